/* Ticking works alone: the bar below the list and its count are CSS. This adds: tick all, a range with Shift, Escape, and the count aloud. */
for (const form of document.querySelectorAll('[data-behaviour~=selection]')) {
  const picks = [...form.querySelectorAll('.pick')]
  const all = form.querySelector('[data-behaviour=pick-all]')
  const said = Object.assign(document.createElement('output'), { className: 'hidden' })
  let last = null
  form.append(said)

  const count = () => {
    const chosen = picks.filter(pick => pick.checked).length
    if (all) {
      all.checked = chosen > 0 && chosen === picks.length
      all.indeterminate = chosen > 0 && chosen < picks.length
    }
    said.value = chosen || ''
  }
  const clear = () => {
    for (const pick of picks) pick.checked = false
    count()
  }
  form.addEventListener('click', event => {
    const pick = event.target.closest('.pick')
    if (!pick) return
    if (event.shiftKey && last) {
      const [from, to] = [picks.indexOf(last), picks.indexOf(pick)].sort((a, b) => a - b)
      for (const one of picks.slice(from, to + 1)) one.checked = last.checked
    }
    last = pick
  })
  form.addEventListener('change', event => {
    if (event.target === all) for (const pick of picks) pick.checked = all.checked
    count()
  })
  form.querySelector('[data-behaviour=clear]')?.addEventListener('click', event => {
    event.preventDefault()
    clear()
  })
  form.addEventListener('keydown', event => event.key === 'Escape' && clear())
  count()
}
