/* A panel that hangs from its summary closes on Escape and on a click elsewhere. Without JavaScript a second click closes it. */
for (const box of document.querySelectorAll('details[data-behaviour="disclosure"]')) {
  document.addEventListener('click', event => { if (!box.contains(event.target)) box.open = false })
  box.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !box.open) return
    box.open = false
    box.querySelector('summary').focus()
  })
}
