// Stripe's payment element on the shop's own page: the card's number stays in Stripe's frame. The form says where to come back; the server asks Stripe.
const form = document.querySelector('[data-behaviour="card-element"]');

function begin() {
  const stripe = window.Stripe(form.dataset.key, { locale: document.documentElement.lang });
  const elements = stripe.elements({ clientSecret: form.dataset.secret });
  const button = form.querySelector("button");
  const problem = form.querySelector("[data-problem]");
  const fields = elements.create("payment");
  fields.mount(form.querySelector("[data-fields]"));
  fields.on("ready", () => { button.disabled = false; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.return } });
    problem.textContent = error.message; // only on failure: else the browser has left
    problem.hidden = false;
    button.disabled = false;
  });
}

if (window.Stripe) begin();
else document.querySelector('script[src^="https://js.stripe.com"]').addEventListener("load", begin);
