/* A passkey: asks the shop what to make or sign (data-source), lets the browser do it (data-act: create or get), and sends the form with the answer.
   The form is hidden where the browser knows no passkeys; everything has another way. */
const knows = globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON && globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON

for (const form of document.querySelectorAll('form[data-behaviour="passkey"]')) if (knows) bind(form)

function bind(form) {
  const answer = form.elements.credential, said = form.querySelector('[role="alert"]'), button = form.querySelector('[type="submit"]')
  form.closest('[data-passkeys]')?.removeAttribute('hidden')
  form.hidden = false
  form.addEventListener('submit', async event => {
    if (answer.value) return
    event.preventDefault()
    button.disabled = true
    said.textContent = ''
    try {
      answer.value = JSON.stringify(await ask(form))
      form.submit()
    } catch (problem) {
      said.textContent = problem.detail ?? form.dataset.failed
    } finally {
      button.disabled = false
    }
  })
}

async function ask(form) {
  const body = form.elements.ticket ? { ticket: form.elements.ticket.value } : {}
  const response = await fetch(form.dataset.source, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(body) })
  const options = await response.json()
  if (!response.ok) throw options
  const credential = form.dataset.act === 'create'
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
  return credential.toJSON()
}
