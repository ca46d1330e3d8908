// The sandbox's stand-in for Stripe.js v3: the calls that a payment step uses, with the answers that Stripe gives.
"use strict";
(() => {
  const here = new URL(".", document.currentScript.src);

  window.Stripe = function Stripe(key) {
    if (!/^pk_/.test(key ?? "")) {
      throw new Error("You should not use your secret key with Stripe.js. Please pass a publishable key instead.");
    }
    return {
      elements: (options = {}) => new Elements(key, options),
      confirmPayment: (options) => confirmPayment(key, options),
      retrievePaymentIntent: (secret) => retrieve(key, secret),
    };
  };

  class Elements {
    #key; #secret; #made = null;
    constructor(key, { clientSecret }) {
      if (!/^pi_\w+_secret_\w+$/.test(clientSecret ?? "")) throw new Error(`Invalid value for elements(): clientSecret is ${clientSecret}.`);
      [this.#key, this.#secret] = [key, clientSecret];
    }
    create(type) {
      if (type !== "payment") throw new Error(`The sandbox plays the payment element only, not ${type}.`);
      if (this.#made) throw new Error("Can only create one Element of type payment through create().");
      return (this.#made = new PaymentElement(this.#key, this.#secret));
    }
    getElement(type) { return type === "payment" ? this.#made : null; }
    async submit() { return this.#made ? {} : { error: { type: "validation_error", message: "There is no payment element." } }; }
    async fetchUpdates() { return {}; }
    update() {}
  }

  class PaymentElement {
    #key; #secret; #frame = null; #port = null; #heard = new Map(); #asked = null;
    constructor(key, secret) { [this.#key, this.#secret] = [key, secret]; }
    on(name, handler) { this.#heard.set(name, [...(this.#heard.get(name) ?? []), handler]); return this; }
    once(name, handler) { return this.on(name, handler); }
    off(name) { this.#heard.delete(name); return this; }
    mount(place) {
      const node = typeof place === "string" ? document.querySelector(place) : place;
      if (!node) throw new Error(`Invalid DOM element: ${place}.`);
      if (node.getRootNode() instanceof ShadowRoot) {
        throw new Error("Elements cannot be mounted in a ShadowRoot. Please mount in the Light DOM.");
      }
      this.#frame = frame(new URL("element", here), "Secure payment input frame");
      this.#frame.addEventListener("load", () => this.#open());
      node.replaceChildren(this.#frame);
    }
    unmount() { this.#frame?.remove(); this.#frame = this.#port = null; }
    destroy() { this.unmount(); }
    focus() { this.#port?.postMessage({ focus: true }); }
    update() {}
    /** What the fields answer to one wish; used by confirmPayment. */
    ask(wish) {
      if (!this.#port) return Promise.resolve({ error: { type: "invalid_request_error", message: "The payment element is not ready." } });
      return new Promise((answer) => { this.#asked = answer; this.#port.postMessage(wish); });
    }
    get keys() { return [this.#key, this.#secret]; }
    #open() {
      const { port1, port2 } = new MessageChannel();
      this.#port = port1;
      port1.onmessage = ({ data }) => this.#told(data);
      this.#frame.contentWindow.postMessage({ key: this.#key, clientSecret: this.#secret }, here.origin, [port2]);
    }
    #told(data) {
      if (data.height) this.#frame.style.height = `${data.height}px`;
      if (data.event) for (const handler of this.#heard.get(data.event) ?? []) handler({ elementType: "payment", ...data.with });
      if (data.answer) this.#asked?.(data.answer);
    }
  }

  async function confirmPayment(key, { elements, confirmParams = {}, redirect = "always" }) {
    const element = elements?.getElement("payment");
    if (!element) throw new Error("confirmPayment() needs elements with a payment element.");
    if (redirect === "always" && !confirmParams.return_url) throw new Error("confirmPayment() needs confirmParams.return_url.");
    let answer = await element.ask({ confirm: confirmParams });
    if (answer.paymentIntent?.status === "requires_action") {
      await challenge(answer.paymentIntent.next_action.redirect_to_url.url);
      answer = failed(await retrieve(key, element.keys[1]));
    }
    if (!answer.error && redirect === "always") {
      const back = new URL(confirmParams.return_url);
      back.searchParams.set("payment_intent", answer.paymentIntent.id);
      back.searchParams.set("redirect_status", answer.paymentIntent.status);
      location.assign(back);
    }
    return answer;
  }

  async function retrieve(key, secret) {
    const wanted = new URL(`../v1/payment_intents/${secret.split("_secret_")[0]}`, here);
    wanted.search = new URLSearchParams({ key, client_secret: secret });
    try {
      const answer = await (await fetch(wanted)).json();
      return answer.error ? answer : { paymentIntent: answer };
    } catch {
      return { error: { type: "api_connection_error", message: "We are experiencing issues connecting to our payments provider. You have not been charged. Please check your internet connection and try again." } };
    }
  }

  /** After the bank's step: an intent that wants another method was refused. */
  function failed(answer) {
    const intent = answer.paymentIntent;
    if (intent?.status !== "requires_payment_method") return answer;
    return { error: { ...intent.last_payment_error, payment_intent: intent } };
  }

  /** The bank's step in a window over the page; over, when it says so. */
  function challenge(address) {
    const shown = frame(new URL(address), "3-D Secure");
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "3-D Secure");
    Object.assign(dialog.style, { width: "min(100% - 2em, 30em)", padding: "0", border: "0" });
    shown.style.height = "26em";
    dialog.append(shown);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((over) => {
      addEventListener("message", function heard({ source, data }) {
        if (source !== shown.contentWindow || data !== "3ds-over") return;
        removeEventListener("message", heard);
        dialog.remove();
        over();
      });
    });
  }

  function frame(address, title) {
    const made = document.createElement("iframe");
    Object.assign(made, { src: address.href, title });
    Object.assign(made.style, { width: "100%", border: "0", display: "block", colorScheme: "light dark" });
    return made;
  }
})();
