/* Pictures open large, one after another, with arrow keys. Without JavaScript each is a link to its large file.
   The list carries the words: data-back, data-next, data-close. */
let list, links, dialog
let at = 0

function show(dialog, step) {
  at = (at + step + links.length) % links.length
  const picture = links[at].querySelector('img')
  Object.assign(dialog.querySelector('img'), { src: links[at].href, alt: picture.alt })
  dialog.querySelector('p').textContent = `${at + 1} / ${links.length}`
}

function button(name, path) {
  const made = document.createElement('button')
  made.type = 'button'
  made.className = `viewer__${name}`
  made.setAttribute('aria-label', list.dataset[name])
  made.innerHTML = `<svg class="icon icon--turns" viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`
  return made
}

function build() {
  const dialog = document.createElement('dialog')
  dialog.className = 'viewer'
  dialog.setAttribute('aria-label', list.getAttribute('aria-label'))
  dialog.innerHTML = '<img width="1200" height="1500" alt=""><p aria-live="polite"></p>'
  if (links.length > 1) dialog.append(button('back', 'm14.5 6-6 6 6 6'), button('next', 'm9.5 6 6 6-6 6'))
  dialog.append(button('close', 'm6 6 12 12M18 6 6 18'))
  dialog.addEventListener('click', ({ target }) => {
    const name = target.closest('button')?.className
    if (name === 'viewer__back') show(dialog, -1)
    else if (name === 'viewer__next') show(dialog, 1)
    else dialog.close()
  })
  dialog.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowLeft') show(dialog, -1)
    if (key === 'ArrowRight') show(dialog, 1)
  })
  document.body.append(dialog)
  return dialog
}

document.addEventListener('click', event => {
  const link = event.target.closest('[data-behaviour="gallery"] a')
  if (!link || !window.HTMLDialogElement || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  if (link.closest('[data-behaviour="gallery"]') !== list) {
    dialog?.remove()
    list = link.closest('[data-behaviour="gallery"]')
    links = [...list.querySelectorAll('a')]
    dialog = build()
  }
  at = links.indexOf(link)
  show(dialog, 0)
  dialog.showModal()
})
