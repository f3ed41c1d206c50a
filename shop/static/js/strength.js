/* How strong a new password is, before it is sent: asks the shop (data-source) while somebody types, and says it in words beside the field. */
const PATIENCE_MS = 250

for (const field of document.querySelectorAll('input[data-behaviour="strength"]')) bind(field)

function bind(field) {
  const meter = Object.assign(document.createElement('meter'), { min: 0, max: 4, low: 2, high: 3, optimum: 4, value: 0, id: `${field.id}-meter`, hidden: true })
  const said = Object.assign(document.createElement('p'), { className: 'hint', id: `${field.id}-strength` })
  said.setAttribute('role', 'status')
  meter.setAttribute('aria-hidden', 'true') // the words beside it say the same
  field.after(meter, said)
  let waiting = 0, turn = 0

  async function ask() {
    const mine = ++turn, others = field.form.elements
    if (!field.value) { meter.hidden = true; said.textContent = ''; return }
    const body = { password: field.value.slice(0, 256), about: [others.email?.value, others.name?.value].filter(Boolean) }
    const response = await fetch(field.dataset.source, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(body) }).catch(() => null)
    if (mine !== turn || !response?.ok) return
    const { score, words } = await response.json()
    Object.assign(meter, { value: score, hidden: false })
    said.textContent = words
  }

  field.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(ask, PATIENCE_MS) })
}
