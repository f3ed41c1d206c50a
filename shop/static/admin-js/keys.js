/* Keys for people who sit here all day. A key that presses something is that thing's aria-keyshortcuts; there is no second list.
   j and k move the real focus through the rows of a list, x ticks, "/" searches, Escape closes a menu.
   Single keys never fire while somebody types or holds a modifier; the switch on the page of keys silences them (WCAG 2.1.4). */
const isOff = () => { try { return localStorage.keys === 'off' } catch { return false } }

const isTyping = element => element.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]')
const rows = () => [...document.querySelectorAll('[data-behaviour~=rows] tbody tr')].filter(row => target(row))
const target = row => row.querySelector('th a') ?? row.querySelector('a, input')

function move(step) {
  const all = rows()
  const at = all.findIndex(row => row.contains(document.activeElement))
  const row = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))]
  if (!row) return
  target(row).focus({ preventScroll: true })
  row.scrollIntoView({ block: 'nearest' })
}

const acts = {
  j: () => move(1),
  k: () => move(-1),
}

function press(key) {
  const named = [...document.querySelectorAll(`[aria-keyshortcuts="${CSS.escape(key)}"]`)].find(one => one.checkVisibility())
  if (named) return () => (named.matches('input, textarea, select') ? named.focus() : named.click())
  return acts[key]
}

document.addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    const menu = document.querySelector('.menu[open]')
    if (menu) { menu.open = false; menu.querySelector('summary').focus() }
    return
  }
  if (isOff() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
  const act = press(event.key)
  if (!act) return
  event.preventDefault()
  act()
})

document.addEventListener('click', event => {
  for (const menu of document.querySelectorAll('.menu[open]')) if (!menu.contains(event.target)) menu.open = false
})

const keysSwitch = document.querySelector('[data-behaviour=keys-switch]')
if (keysSwitch) {
  keysSwitch.checked = !isOff()
  keysSwitch.addEventListener('change', () => { try { localStorage.keys = keysSwitch.checked ? 'on' : 'off' } catch { /* private mode: for nobody */ } })
}
