// The payment step: the provider's fields in the provider's frame. How a payment stands is asked of our server, which asks
// the provider; what the browser hears is only the reason to ask. Without this file the other ways to pay work.
"use strict";

const form = document.getElementById("payment");
const pay = document.getElementById("pay");
const framed = window.parent !== window;
let stripe, elements;

function start() {
  tellHost();
  countDown();
  if (typeof Stripe !== "function") return blocked();
  const { key, secret } = form.dataset;
  const dark = matchMedia("(prefers-color-scheme:dark)").matches;
  stripe = Stripe(key, { locale: document.documentElement.lang });
  elements = stripe.elements({ clientSecret: secret, appearance: { theme: dark ? "night" : "stripe" } });
  const fields = elements.create("payment");
  fields.on("ready", () => { pay.disabled = false; });
  fields.on("loaderror", blocked);
  fields.mount("#fields");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (pay.getAttribute("aria-disabled") === "true") return;
  busy(true);
  const { error } = await stripe.confirmPayment({
    elements, confirmParams: { return_url: form.dataset.back }, redirect: "if_required",
  });
  // The fields see some mistakes themselves: then nobody was asked for money.
  if (error?.type === "validation_error") return declined(error.message);
  // Another page of this order, opened elsewhere, has taken the place of these fields: the step shows what can be paid now.
  if (error?.code === "payment_intent_unexpected_state") return location.reload();
  const told = await look(error?.type === "card_error" ? 1 : 5);
  if (told.state === "open" && error) return declined(told.reason ?? error.message);
  if (told.state === "open") return declined(form.dataset.unheard);
  leave(told.state);
});

// Asked again while the provider makes up its mind: money may be a moment behind the browser's answer.
async function look(times) {
  let told = { state: "open", reason: null };
  for (let at = 0; at < times; at += 1) {
    if (at) await new Promise((over) => setTimeout(over, 1100));
    try {
      const answer = await fetch(`${form.getAttribute("action")}/look${form.dataset.kept}`, { method: "POST" });
      if (answer.ok) told = await answer.json();
    } catch { /* no network for a moment: the next look */ }
    if (told.state !== "open" || told.reason) break;
  }
  return told;
}

function declined(reason) {
  busy(false);
  document.getElementById("declined-reason").textContent = reason;
  const notice = document.getElementById("declined");
  notice.hidden = false;
  notice.focus();
  tell({ type: "gatepass:declined", reason });
}

function leave(state) {
  tell({ type: "gatepass:payment", state, order: new URL(form.dataset.order, location).href });
  if (!framed) location.assign(state === "over" ? form.dataset.order : form.dataset.back);
}

function blocked() {
  pay.hidden = true;
  declined(form.dataset.blocked);
}

function busy(on) {
  pay.setAttribute("aria-disabled", on);
  if (on) pay.setAttribute("aria-busy", "true");
  else pay.removeAttribute("aria-busy");
}

function countDown() {
  const shown = document.querySelector("#hold [data-seconds]");
  if (!shown) return;
  const hold = document.getElementById("hold"), said = document.getElementById("said");
  let ends = performance.now() + 1000 * shown.dataset.seconds;
  moreTime((seconds) => { ends = performance.now() + 1000 * seconds; });
  const turn = () => {
    const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
    shown.textContent = shown.dataset.text.replace("{}", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
    if (left < 300) hold.dataset.state = "ending";
    else delete hold.dataset.state;
    // Said aloud twice, so that there is time to ask for more.
    if (left === 300 || left === 60) said.textContent = shown.textContent;
    // Our clock and the server's differ by a little.
    if (left === 0) setTimeout(() => location.reload(), 3000);
    else setTimeout(turn, 1000);
  };
  turn();
}

// More time without leaving: what is typed into the provider's fields stays.
function moreTime(had) {
  const ask = document.getElementById("more-time");
  ask?.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(ask.action, { method: "POST", headers: { Accept: "application/json" } });
      const { seconds, said } = await answer.json();
      ask.remove();
      document.getElementById("said").textContent = said;
      if (seconds) had(seconds);
    } catch { ask.submit(); }
  });
}

// In a frame: the page around it hears how tall this one is, and how it ended. Only listed sites may frame it.
function tell(message) {
  if (framed) parent.postMessage(message, "*");
}
function tellHost() {
  if (!framed) return;
  document.documentElement.dataset.framed = "";
  new ResizeObserver(() => tell({ type: "gatepass:height", height: Math.ceil(document.querySelector(".page").getBoundingClientRect().height) })).observe(document.body);
}

// Back from the browser's memory: what stands here may be over.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
start();
