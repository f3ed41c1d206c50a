/* Country, delivery and the wish for another invoice address change fields and total at once. Without JavaScript a button does the same. */
const page = document.querySelector('[data-behaviour="checkout"]')
let latest = 0

function hideButtons() {
  for (const part of page.querySelectorAll('[data-part="update"]')) part.hidden = true
  for (const box of page.querySelectorAll('.inline-form:has([data-part="update"][hidden])')) box.classList.remove('inline-form')
}

async function update() {
  const asked = ++latest
  const form = page.querySelector('form')
  const focused = document.activeElement?.id
  const sent = new URLSearchParams(new FormData(form))
  sent.delete('code') // perhaps half typed: its own button sends it
  const answer = await fetch(page.querySelector('button[formaction]').formAction, { method: 'POST', body: sent, headers: { Accept: 'text/html' } })
  if (asked !== latest) return
  if (!answer.ok || answer.redirected) return location.reload()
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-behaviour="checkout"]')
  if (asked !== latest || !fresh) return
  keepTyped(form, fresh)
  const isOpen = page.querySelector('details.summary')?.open
  const isTypingCode = page.querySelector('#codes details')?.open
  page.replaceChildren(...fresh.childNodes)
  if (isTypingCode) page.querySelector('#codes details').open = true
  const summary = page.querySelector('details.summary')
  if (summary) summary.open = isOpen
  hideButtons()
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

/* What was typed while the answer was on its way stays. */
function keepTyped(form, fresh) {
  for (const input of form.querySelectorAll('input:not([type="hidden"], [type="radio"], [type="checkbox"]), textarea')) {
    const twin = input.id && fresh.querySelector(`#${CSS.escape(input.id)}`)
    if (twin) twin.value = input.value
  }
  for (const input of form.querySelectorAll('input[type="checkbox"]')) {
    const twin = fresh.querySelector(`#${CSS.escape(input.id)}`)
    if (twin) twin.checked = input.checked
  }
}

if (page) {
  hideButtons()
  page.addEventListener('change', event => {
    if (/^(shipping_method|(shipping|billing)-country)$/.test(event.target.name)) update().catch(() => location.reload())
  })
}
