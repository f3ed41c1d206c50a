/* A new order takes effect at once. Without JavaScript a button stands beside it. */
document.querySelector('[data-behaviour="sort"]')?.addEventListener('change', ({ target }) => target.form.requestSubmit())
