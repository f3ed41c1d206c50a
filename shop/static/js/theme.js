/* Day, night or automatic: set before the first paint (the script blocks rendering), remembered on this machine.
   Without JavaScript the form goes to the server, which sets data-theme. */
const root = document.documentElement
const kept = (() => { try { return localStorage.theme } catch { return null } })() ?? root.dataset.theme ?? 'auto'

function show(theme) {
  root.dataset.theme = theme === 'light' || theme === 'dark' ? theme : 'auto'
}

function bind() {
  const form = document.querySelector('[data-behaviour="theme"]')
  if (!form) return
  form.querySelector('[type=submit]').hidden = true
  const chosen = form.querySelector(`[value="${CSS.escape(kept)}"]`)
  if (chosen) chosen.checked = true
  form.addEventListener('change', ({ target }) => {
    show(target.value)
    try { localStorage.theme = target.value } catch { /* private mode: for this page only */ }
  })
}

show(kept)
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', bind)
else bind()
