/* Puts goods into the cart without leaving the page, then shows the cart. Without JavaScript, or when the way is broken, the form goes to the server as it is. */
import { openCart, showCart } from './mini-cart.js'

const cart = document.querySelector('#mini-cart')?.dataset.source

async function put(form) {
  const button = form.querySelector('[type="submit"]')
  const { variant_id: variant, quantity } = Object.fromEntries(new FormData(form))
  if (!/^\d{1,9}$/.test(quantity)) return form.submit()
  button.setAttribute('aria-busy', 'true')
  let answer, body
  try {
    answer = await fetch(`${cart}/items`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'Idempotency-Key': crypto.randomUUID?.() ?? String(Math.random()) },
      body: JSON.stringify({ variant_id: Number(variant), quantity: Number(quantity) }),
    })
    body = await answer.json()
  } catch {
    return form.submit()
  } finally {
    button.removeAttribute('aria-busy')
  }
  say(form, answer.ok ? '' : body.errors?.map(error => error.detail).join(' ') || body.detail || body.title)
  if (!answer.ok) return
  showCart(body)
  openCart()
}

function say(form, text) {
  let place = form.querySelector('[data-part="problem"]')
  if (!place && !text) return
  if (!place) {
    place = Object.assign(document.createElement('p'), { className: 'notice notice--bad' })
    place.dataset.part = 'problem'
    place.setAttribute('role', 'alert')
    form.querySelector('.buy__go').after(place)
  }
  place.hidden = !text
  place.textContent = text
}

let isBusy = false
document.addEventListener('submit', async event => {
  const form = event.target.closest('form[data-behaviour~="buy"]')
  if (!form || !cart || !window.HTMLDialogElement) return
  event.preventDefault()
  if (isBusy) return
  isBusy = true
  await put(form)
  isBusy = false
})
