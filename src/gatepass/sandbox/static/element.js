// The fields of the payment element, in a frame of the sandbox's own: what is typed here never reaches the merchant's page.
"use strict";
let port, opened;
const form = document.forms.card;

addEventListener("message", ({ data, ports }) => {
  if (port || !data.clientSecret) return;
  [port, opened] = [ports[0], data];
  port.onmessage = ({ data }) => (data.confirm ? confirm(data.confirm) : data.focus && form.elements.number.focus());
  new ResizeObserver(() => port.postMessage({ height: Math.ceil(form.getBoundingClientRect().height) + 4 })).observe(form);
  port.postMessage({ event: "ready" });
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => port?.postMessage({ event: "change", with: { complete: form.checkValidity(), empty: false } }));
form.elements.test.addEventListener("change", ({ target }) => {
  const debit = /^[A-Z]/.test(target.value);
  form.elements.number.value = target.value;
  form.elements.expiry.value = debit ? "" : "12 / 34";
  form.elements.cvc.value = debit ? "" : target.value.startsWith("37") ? "1234" : "123";
});

async function confirm({ return_url }) {
  const wrong = mistake();
  if (wrong) return port.postMessage({ answer: { error: { type: "validation_error", ...wrong } } });
  const id = opened.clientSecret.split("_secret_")[0];
  const body = new URLSearchParams({ key: opened.key, client_secret: opened.clientSecret, ...method(), ...(return_url && { return_url }) });
  try {
    const answer = await (await fetch(`../v1/payment_intents/${id}/confirm`, { method: "POST", body })).json();
    port.postMessage({ answer: answer.error ? { error: answer.error } : { paymentIntent: answer } });
  } catch {
    port.postMessage({ answer: { error: { type: "api_connection_error", message: "The payment could not be sent. Nothing was charged." } } });
  }
}

function method() {
  const number = form.elements.number.value.replaceAll(/[\s-]/g, "");
  if (/^[A-Za-z]/.test(number)) {
    return { "payment_method_data[type]": "sepa_debit", "payment_method_data[sepa_debit][iban]": number };
  }
  const [month, year] = form.elements.expiry.value.split(/\s*[/-]\s*/);
  return {
    "payment_method_data[type]": "card",
    "payment_method_data[card][number]": number,
    "payment_method_data[card][exp_month]": month,
    "payment_method_data[card][exp_year]": `20${year.slice(-2)}`,
    "payment_method_data[card][cvc]": form.elements.cvc.value,
  };
}

// Seen by the fields themselves: no bank is asked.
function mistake() {
  const { number, expiry, cvc } = form.elements;
  for (const input of [number, expiry, cvc]) input.removeAttribute("aria-invalid");
  if (!number.value.trim()) return marked(number, "incomplete_number", "Your card number is incomplete.");
  if (/^[A-Za-z]/.test(number.value)) return null;
  if (!/^(0?[1-9]|1[0-2])\s*[/-]\s*(20)?\d\d$/.test(expiry.value)) return marked(expiry, "incomplete_expiry", "Your card's expiration date is incomplete.");
  if (!/^\d{3,4}$/.test(cvc.value)) return marked(cvc, "incomplete_cvc", "Your card's security code is incomplete.");
  return null;
}
function marked(input, code, message) {
  input.setAttribute("aria-invalid", "true");
  input.focus();
  return { code, message };
}
