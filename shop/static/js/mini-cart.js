/* The link to the cart opens it beside the page. With a modifier key, or without <dialog>, it stays a link.
   Others show a new cart by dispatching `cart:changed` on the document with the cart (as GET /api/v1/cart gives it) as its detail. */
import { money } from './money.js'

const dialog = document.querySelector('#mini-cart')
const part = name => dialog.querySelector(`[data-part="${name}"]`)

export async function openCart() {
  if (!dialog?.showModal) return
  if (!dialog.open) dialog.showModal()
  try {
    const answer = await fetch(dialog.dataset.source, { headers: { Accept: 'application/json' } })
    if (!answer.ok) throw new Error(String(answer.status))
    showCart(await answer.json())
    part('failed').hidden = true
  } catch {
    part('failed').hidden = false
  }
}

export function showCart(cart) {
  for (const count of document.querySelectorAll('[data-part="cart-count"]')) {
    count.hidden = !cart.count
    count.querySelector('[data-part="number"]').textContent = cart.count
  }
  if (!dialog) return
  part('lines').replaceChildren(...cart.items.map(lineOf))
  part('empty').hidden = cart.items.length > 0
  part('sums').hidden = part('checkout').hidden = cart.items.length === 0
  part('subtotal').textContent = money(cart.totals.subtotal)
}

function lineOf(item) {
  const line = part('line').content.cloneNode(true)
  const link = line.querySelector('a')
  link.href = item.url
  link.textContent = item.name
  const options = line.querySelector('[data-part="options"]')
  options.textContent = item.options
  options.hidden = !item.options
  line.querySelector('[data-part="pieces"]').textContent = `${item.quantity} × ${money(item.unit_price)}`
  line.querySelector('.line__total').textContent = money(item.total)
  if (item.image) {
    const picture = Object.assign(new Image(64, 80), { alt: '', src: item.image.url })
    line.querySelector('.line__picture').append(picture)
  }
  return line
}

for (const link of document.querySelectorAll('[data-behaviour="mini-cart"]')) {
  if (!dialog?.showModal) break
  link.setAttribute('aria-haspopup', 'dialog')
  link.addEventListener('click', event => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return
    event.preventDefault()
    openCart()
  })
}
dialog?.addEventListener('click', event => { if (event.target === dialog) dialog.close() })
document.addEventListener('cart:changed', event => showCart(event.detail))
