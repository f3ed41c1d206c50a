/* The cart's page without reloads: its forms are sent as they are, and the part of the answer that is the cart takes the place of the old one.
   A changed quantity is sent by itself. Whatever goes wrong on the way, the form is sent the plain way. */
import { addButtons } from './stepper.js'

const PATIENCE_MS = 500
let waiting = 0
let latest = 0

async function send(form, submitter) {
  clearTimeout(waiting)
  const turn = ++latest
  const page = document.querySelector('#cart')
  const body = new URLSearchParams(new FormData(form, submitter))
  page.setAttribute('aria-busy', 'true')
  let answer, text
  try {
    answer = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'text/html' } })
    text = await answer.text()
  } catch {
    page.removeAttribute('aria-busy')
    return form.submit()
  }
  if (turn !== latest) return
  const fresh = new DOMParser().parseFromString(text, 'text/html')
  if (!fresh.querySelector('#cart')) return location.assign(answer.redirected ? answer.url : location.pathname)
  show(fresh, document.activeElement)
}

function show(fresh, focused) {
  const page = fresh.querySelector('#cart')
  const status = document.querySelector('#flashes')
  document.querySelector('#cart').replaceWith(page)
  status.replaceChildren(...[...fresh.querySelector('#flashes').childNodes])
  for (const [index, count] of document.querySelectorAll('[data-part="cart-count"]').entries()) {
    const other = fresh.querySelectorAll('[data-part="cart-count"]')[index]
    if (other) count.replaceWith(other)
  }
  addButtons(page)
  const same = focused.id ? document.getElementById(focused.id) : null
  const spot = page.querySelector('[aria-invalid="true"]') ?? same ?? page.querySelector('h1')
  if (spot.tagName === 'H1') spot.tabIndex = -1
  spot.focus({ preventScroll: true })
}

document.addEventListener('submit', event => {
  if (!event.target.closest('#cart')) return
  event.preventDefault()
  send(event.target, event.submitter)
})
document.addEventListener('change', event => {
  const form = event.target.closest('#cart [data-part="quantity"]')
  if (!form) return
  clearTimeout(waiting)
  waiting = setTimeout(() => send(form), PATIENCE_MS)
})
