/* Suggestions under the search field while somebody types: a combobox with a list of links (WAI-ARIA: "Editable combobox with list autocomplete").
   The field carries where to ask: data-source. Without JavaScript it is a search form. */
import { money } from './money.js'

const PATIENCE_MS = 160
const SHORTEST = 2

for (const form of document.querySelectorAll('[data-behaviour="suggest"]')) bind(form, form.querySelector('input'))

function bind(form, input) {
  const list = Object.assign(document.createElement('ul'), { id: `${input.id}-suggestions`, className: 'suggestions', hidden: true })
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', form.dataset.label)
  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-expanded': 'false', 'aria-controls': list.id, 'aria-autocomplete': 'list' })) input.setAttribute(name, value)
  form.append(list)
  let waiting = 0, turn = 0, at = -1

  const options = () => [...list.children]
  const close = () => { list.hidden = true; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); at = -1 }
  const mark = next => {
    options()[at]?.setAttribute('aria-selected', 'false')
    at = (next + options().length + 1) % (options().length + 1)
    const option = options()[at]
    option?.setAttribute('aria-selected', 'true')
    option ? input.setAttribute('aria-activedescendant', option.id) : input.removeAttribute('aria-activedescendant')
    option?.scrollIntoView({ block: 'nearest' })
  }

  async function ask() {
    const typed = input.value.trim(), mine = ++turn
    if (typed.length < SHORTEST) return close()
    const url = new URL(form.dataset.source, location.href)
    url.searchParams.set('q', typed)
    const answer = await fetch(url, { headers: { Accept: 'application/json' } }).catch(() => null)
    if (mine !== turn || !answer?.ok) return
    const { items } = await answer.json()
    list.replaceChildren(...items.map((item, index) => optionOf(item, `${list.id}-${index}`)))
    at = -1
    list.hidden = items.length === 0
    input.setAttribute('aria-expanded', String(items.length > 0))
  }

  input.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(ask, PATIENCE_MS) })
  input.addEventListener('keydown', event => {
    if (list.hidden) return
    if (event.key === 'ArrowDown') mark(at + 1)
    else if (event.key === 'ArrowUp') mark(at < 0 ? options().length - 1 : at - 1)
    else if (event.key === 'Escape') close()
    else if (event.key === 'Enter' && options()[at]) location.assign(options()[at].dataset.url)
    else return
    event.preventDefault()
  })
  list.addEventListener('pointerdown', event => event.preventDefault())
  list.addEventListener('click', event => location.assign(event.target.closest('[role="option"]').dataset.url))
  input.addEventListener('blur', close)
}

function optionOf(item, id) {
  const option = Object.assign(document.createElement('li'), { id, className: 'suggestions__option' })
  option.setAttribute('role', 'option')
  option.setAttribute('aria-selected', 'false')
  option.dataset.url = item.url
  if (item.image) option.append(Object.assign(new Image(40, 50), { alt: '', src: item.image.url }))
  option.append(Object.assign(document.createElement('span'), { textContent: item.name }))
  if (item.price) option.append(Object.assign(document.createElement('span'), { className: 'suggestions__price', textContent: money(item.price) }))
  return option
}
