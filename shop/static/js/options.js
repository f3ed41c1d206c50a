/* Choosing an option without loading the whole page: each choice is a link, and the part of its page that differs takes the place of the old one. */
import { addButtons } from './stepper.js'

const PARTS = ['#product', 'title', 'link[rel="canonical"]']

async function choose(link) {
  const quantity = document.querySelector('#product [name="quantity"]')?.value
  const name = link.closest('[data-behaviour="options"]').getAttribute('aria-labelledby')
  let fresh
  try {
    const answer = await fetch(link.href, { headers: { Accept: 'text/html' } })
    if (!answer.ok) throw new Error(String(answer.status))
    fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  } catch {
    return location.assign(link.href)
  }
  for (const part of PARTS) {
    const mine = document.querySelector(part), theirs = fresh.querySelector(part)
    if (mine && theirs) mine.replaceWith(theirs)
  }
  history.replaceState(null, '', link.href)
  const page = document.querySelector('#product')
  addButtons(page)
  if (quantity && page.querySelector('[name="quantity"]')) page.querySelector('[name="quantity"]').value = quantity
  page.querySelector(`[aria-labelledby="${CSS.escape(name)}"] [aria-current]`)?.focus({ preventScroll: true })
}

document.addEventListener('click', event => {
  const link = event.target.closest('[data-behaviour="options"] a')
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return
  event.preventDefault()
  choose(link)
})
