/* Plus and minus beside a quantity. What was typed and is no number stays as it is: the server says what is wrong. */
export function addButtons(within) {
  for (const box of within.querySelectorAll('[data-behaviour="stepper"]')) addButtonsTo(box)
}

function addButtonsTo(box) {
  const input = box.querySelector('input')
  const button = (word, step, path) => {
    const made = document.createElement('button')
    made.type = 'button'
    made.innerHTML = `<svg class="icon icon--s" viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`
    made.setAttribute('aria-label', `${word}: ${box.querySelector('label').textContent}`)
    made.addEventListener('click', () => {
      const now = /^\d{1,9}$/.test(input.value) ? Number(input.value) : 0
      const next = Math.min(Math.max(now + step, Number(input.dataset.min)), Number(input.dataset.max))
      if (String(next) === input.value) return
      input.value = next
      input.dispatchEvent(new Event('change', { bubbles: true }))
    })
    return made
  }
  input.before(button(box.dataset.less, -1, 'M6 12h12'))
  input.after(button(box.dataset.more, 1, 'M12 6v12M6 12h12'))
}

addButtons(document)
