// <gatepass-registration event="..." token="...">: the registration form anywhere on a page of somebody else.
// One custom element, one shadow root. No cookies, no innerHTML, no eval; styles by a constructed sheet. docs/embed.md.
"use strict";
(() => {
  const NAME = "gatepass-registration";
  if (customElements.get(NAME)) return;
  const BASE = new URL("..", document.currentScript.src);
  const RTL = ["ar", "fa", "he", "ur"];
  const FRAME_PATIENCE_MS = 8000;
  let looks, count = 0;

  /** The sheet that all elements share; fetched, so that the host's style-src need not know us. */
  function look() {
    looks ??= fetch(new URL("embed/v1.css", BASE), { credentials: "omit" })
      .then((answer) => answer.text())
      .then((text) => new CSSStyleSheet().replace(text));
    return looks;
  }

  function el(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      if (typeof value === "function") node.addEventListener(key, value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  }

  class GatepassRegistration extends HTMLElement {
    static observedAttributes = ["event", "token", "locale"];
    #id = `gp${(count += 1)}`;
    #root; #data; #chosen; #people = []; #problems = []; #sent = ""; #key = ""; #frame; #order; #planned = false; #parts = {};
    #said = (message) => this.#hear(message);
    #stopped = (violation) => this.#policy(violation);

    connectedCallback() {
      addEventListener("message", this.#said);
      document.addEventListener("securitypolicyviolation", this.#stopped);
      if (!this.#data) this.#plan();
    }
    disconnectedCallback() {
      removeEventListener("message", this.#said);
      document.removeEventListener("securitypolicyviolation", this.#stopped);
    }
    attributeChangedCallback(name, before, now) {
      if (this.isConnected && before !== now) this.#plan();
    }

    // Methods that hosts may call.

    /** Start over: what was typed is gone, an order that was made stays as it is. */
    reset() {
      this.#people = [];
      this.#problems = [];
      this.#sent = this.#key = "";
      this.#frame = undefined;
      return this.reload();
    }
    focus() { this.#parts.main?.querySelector("input,button,iframe,[tabindex]")?.focus(); }
    /** Ask what is on sale now, and show the form. */
    async reload() {
      try {
        this.#data = await this.#call("");
        await this.#open();
        this.#chosen ??= this.#first();
        if (!this.#people.length) this.#people = [{ email: this.getAttribute("prefill-email") ?? "" }];
        this.#details();
        this.#tell("ready", { event: this.#data.event.readableEventId });
      } catch (error) {
        this.#failed(error);
      }
    }

    // Setting up.

    #plan() {
      if (this.#planned) return;
      this.#planned = true;
      // Later, so that attributes and children that are set after the element was added count.
      queueMicrotask(() => { this.#planned = false; this.reload(); });
    }
    get #light() { return this.getAttribute("mode") === "light"; }
    get #locale() { return this.getAttribute("locale") || this.closest("[lang]")?.lang || document.documentElement.lang || "en"; }
    get #words() { return this.#data.texts; }
    async #open() {
      if (this.#root) return;
      this.#root = this.#light ? this : this.shadowRoot ?? this.attachShadow({ mode: "open" });
      if (!this.#light) this.#root.adoptedStyleSheets = [await look()];
      const { language } = this.#data;
      const dir = this.getAttribute("dir") || (RTL.includes(language) ? "rtl" : getComputedStyle(this).direction);
      this.#parts.main = el("section", { class: "embed", part: "form", lang: language, dir, "aria-labelledby": `${this.#id}-title` });
      // The link that is there for pages without a script makes room.
      if (this.#light) this.replaceChildren(this.#parts.main);
      else this.#root.replaceChildren(this.#parts.main);
    }
    /** Where a section stands: in the form, or in an element of the host that `passes-in` and its like name. */
    #place(name, ...children) {
      const section = el("div", { class: "stack tight", part: name, "data-part": name }, ...children);
      const selector = this.getAttribute(`${name}-in`);
      const host = selector && document.querySelector(selector);
      if (!host) return section;
      const root = this.#light ? host : host.shadowRoot ?? host.attachShadow({ mode: "open" });
      if (!this.#light) root.adoptedStyleSheets = this.#root.adoptedStyleSheets;
      root.replaceChildren(el("div", { class: "embed", lang: this.#data.language, dir: this.#parts.main.dir }, section));
      (this.#parts.away ??= new Map()).set(name, root);
      return null;
    }
    #slot(name) { return this.#light ? null : el("slot", { name }); }

    // Step 1: passes and people.

    #first() {
      const wanted = this.getAttribute("pass");
      const free = this.#data.passes.filter((one) => one.left > 0);
      return (free.find((one) => one.id === wanted || one.name === wanted) ?? free[0])?.id;
    }
    #details() {
      const { event, passes, standing } = this.#data;
      const open = standing === "open";
      this.#show(
        el("div", { class: "row", part: "header" },
          el("h2", { id: `${this.#id}-title`, part: "title" }, el("bdi", {}, event.name)),
          el("span", { class: "muted small push" }, event.when)),
        this.#test(),
        this.#summary(),
        open
          ? el("form", { class: "stack", novalidate: true, submit: (pressed) => this.#submit(pressed) },
              passes.length > 0 && this.#place("passes", this.#passes(), this.#quantity()),
              this.#slot("after-passes"),
              this.#place("details", ...this.#people.map((_, at) => this.#person(at))),
              this.#slot("before-submit"),
              el("div", { class: "stack tight" }, this.#total(),
                el("button", { class: "button primary big", part: "submit" }, this.#due() ? this.#words.pay : this.#words.register)))
          : el("div", { class: "notice", role: "status", part: "closed" }, el("p", {}, this.#words[standing] ?? this.#words.closed), el("a", { href: event.url }, this.#words.more)));
      if (this.#problems.length) this.#parts.main.querySelector("[role=alert]")?.focus();
      this.#tell("step", { step: "details" });
    }
    #passes() {
      const picks = this.#data.passes.map((one) => el("label", { class: "pick" },
        el("input", { type: "radio", name: `${this.#id}-pass`, value: one.id, disabled: one.left <= 0, checked: one.id === this.#chosen, change: () => this.#choose(one.id) }),
        el("span", {}, el("b", {}, el("bdi", {}, one.name)), one.description && el("span", { class: "hint" }, el("bdi", {}, one.description))),
        el("span", { class: "pick-side" }, el("b", {}, this.#money(one.minor)), this.#left(one))));
      return el("fieldset", { class: "stack tight", part: "passes-list" }, el("legend", { class: "label" }, this.#words.pass), el("div", { class: "picks" }, ...picks));
    }
    #left(one) {
      if (one.left <= 0) return el("span", { class: "hint" }, this.#words.sold_out_pass);
      return one.left <= this.#data.few && el("span", { class: "hint few" }, this.#words.left.replace("{}", one.left));
    }
    #quantity() {
      const step = (by, label, sign, off) => el("button", { type: "button", "aria-label": label, disabled: off, click: () => this.#resize(by) }, sign);
      return el("div", { class: "row" }, el("span", { class: "label", id: `${this.#id}-many` }, this.#words.people),
        el("div", { class: "quantity push", role: "group", "aria-labelledby": `${this.#id}-many` },
          step(-1, this.#words.fewer, "−", this.#people.length <= 1), el("output", { "aria-live": "polite" }, String(this.#people.length)),
          step(1, this.#words.more_people, "+", this.#people.length >= this.#data.most)));
    }
    #person(at) {
      const section = at ? `section-${this.#id}a${at} ` : "";
      const legend = this.#people.length > 1 ? this.#words.attendee.replace("{}", at + 1) : this.#words.you;
      const field = (name, auto, type, full) => {
        const id = `${this.#id}-${at}-${name}`, wrong = this.#problems.find((one) => one.id === id);
        return el("div", { class: full ? "field full" : "field" }, el("label", { for: id }, this.#words[name]),
          el("input", { class: "input", id, name, type, part: "input", value: this.#people[at][name], autocomplete: section + auto, maxlength: 100, dir: type === "email" ? "ltr" : "auto",
            "aria-invalid": wrong && "true", "aria-describedby": wrong && `${id}-error`, input: ({ target }) => { this.#people[at][name] = target.value; } }),
          wrong && el("p", { class: "error", id: `${id}-error` }, wrong.message));
      };
      return el("fieldset", { class: "stack tight" }, el("legend", { class: "label" }, legend),
        el("div", { class: "fields" }, this.#own(at), field("given", "given-name", "text"), field("family", "family-name", "text"), field("email", "email", "email", true),
          ...this.#data.questions.map((asked) => this.#question(at, asked))));
    }
    /** Everybody gets the pass that was chosen; who wants another one says so. */
    #own(at) {
      const { passes } = this.#data, id = `${this.#id}-${at}-pass`, person = this.#people[at];
      if (!at || passes.length < 2) return null;
      const kept = ({ target }) => { person.pass = target.value || undefined; this.#sum(); };
      const options = passes.map((one) => el("option", { value: one.id, selected: one.id === person.pass, disabled: one.left <= 0 },
        `${one.name} · ${one.left > 0 ? this.#money(one.minor) : this.#words.sold_out_pass}`));
      return el("div", { class: "field full" }, el("label", { for: id }, this.#words.own_pass),
        el("select", { id, part: "input", class: "input", change: kept }, el("option", { value: "" }, this.#words.same_pass), ...options));
    }
    #question(at, asked) {
      const id = `${this.#id}-${at}-${asked.id}`, wrong = this.#problems.find((one) => one.id === id);
      const answers = (this.#people[at].answers ??= {});
      const state = { id, part: "input", class: "input", "aria-invalid": wrong && "true", "aria-describedby": wrong && `${id}-error` };
      const error = wrong && el("p", { class: "error", id: `${id}-error` }, wrong.message);
      const label = el("label", { for: id }, el("bdi", {}, asked.text));
      const kept = ({ target }) => { answers[asked.id] = target.value; };
      if (asked.kind === "text") return el("div", { class: "field full" }, label, el("input", { ...state, value: answers[asked.id], maxlength: 500, dir: "auto", input: kept }), error);
      if (asked.kind === "several") {
        const chosen = (answers[asked.id] ??= []);
        const turn = ({ target }) => { answers[asked.id] = asked.choices.filter((one) => (one === target.value ? target.checked : answers[asked.id].includes(one))); };
        const boxes = asked.choices.map((one, n) => el("label", {}, el("input", { type: "checkbox", id: n ? null : id, value: one, checked: chosen.includes(one), change: turn }), el("bdi", {}, one)));
        return el("fieldset", { class: "field full" }, el("legend", {}, el("bdi", {}, asked.text)), el("div", { class: "choices" }, ...boxes), error);
      }
      const options = asked.kind === "yes_no" ? [["Yes", this.#words.yes], ["No", this.#words.no]] : asked.choices.map((one) => [one, one]);
      const select = el("select", { ...state, change: kept }, el("option", { value: "" }), ...options.map(([value, text]) => el("option", { value, selected: answers[asked.id] === value }, text)));
      return el("div", { class: "field full" }, label, select, error);
    }
    #total() { return el("dl", { class: "lines", part: "total" }, el("div", { class: "total" }, el("dt", {}, this.#words.total), el("dd", { "aria-live": "polite" }, this.#money(this.#due())))); }
    #passId(person) { return person.pass ?? this.#chosen ?? null; }
    #due() {
      const price = (id) => this.#data.passes.find((one) => one.id === id)?.minor ?? 0;
      return this.#people.reduce((sum, person) => sum + price(this.#passId(person)), 0);
    }
    #choose(id) {
      this.#chosen = id;
      this.#sum();
    }
    #sum() {
      const main = this.#parts.main;
      main.querySelector("[part=total]").replaceWith(this.#total());
      main.querySelector("[part=submit]").textContent = this.#due() ? this.#words.pay : this.#words.register;
    }
    #resize(by) {
      if (by > 0) this.#people.push({ email: "" });
      else this.#people.pop();
      this.#details();
    }
    #summary() {
      const problems = this.#problems;
      if (!problems.length) return null;
      const goTo = (id) => (pressed) => { pressed.preventDefault(); this.#find(id)?.focus(); };
      return el("div", { class: "notice", "data-state": "failed", role: "alert", tabindex: -1, part: "problems" },
        el("div", {}, el("b", {}, this.#words.problem),
          el("ul", {}, ...problems.map((one) => el("li", {}, one.id ? el("a", { href: `#${one.id}`, click: goTo(one.id) }, one.message) : one.message)))));
    }
    #find(id) {
      const roots = [this.#light ? document : this.#root, ...(this.#parts.away?.values() ?? [])];
      return roots.map((root) => root.querySelector(`#${id}`)).find(Boolean);
    }
    #mistakes() {
      const found = [];
      this.#people.forEach((person, at) => {
        const miss = (name, message) => found.push({ id: `${this.#id}-${at}-${name}`, message });
        if (!person.given?.trim()) miss("given", this.#words.given_missing);
        if (!person.family?.trim()) miss("family", this.#words.family_missing);
        if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(person.email?.trim() ?? "")) miss("email", this.#words.email_wrong);
        for (const asked of this.#data.questions) {
          if (asked.required && !person.answers?.[asked.id]?.length) miss(asked.id, this.#words.answer_missing);
        }
      });
      return found;
    }

    // Step 2: the order, and its payment.

    async #submit(pressed) {
      pressed.preventDefault();
      this.#problems = this.#mistakes();
      if (this.#problems.length) return this.#details();
      const button = this.#parts.main.querySelector("[part=submit]");
      if (button.getAttribute("aria-busy")) return;
      button.setAttribute("aria-busy", "true");
      try {
        const answer = await this.#call("/registrations", this.#body());
        this.#tell("submitted", { purchaseId: answer.purchaseId, status: answer.status });
        if (answer.status === "Redirect") this.#pay(answer.redirectUrl);
        else this.#done(answer.status === "Success" ? "registered" : "by_hand");
      } catch (error) {
        button.removeAttribute("aria-busy");
        this.#problems = [{ message: error.message }];
        this.#tell("error", { code: error.code ?? "Unreachable", message: error.message });
        this.#details();
      }
    }
    /** The same wish has the same key, so that pressing twice, or again after a silence, makes one order. */
    #body() {
      const attendees = this.#people.map((one) => ({ firstName: one.given.trim(), lastName: one.family.trim(), email: one.email.trim(), passId: this.#passId(one), responses: this.#responses(one) }));
      const body = JSON.stringify({ attendees, returnUrl: this.getAttribute("return-url") ?? undefined });
      if (body !== this.#sent) {
        this.#key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
        this.#sent = body;
      }
      return body;
    }
    #responses({ answers = {} }) {
      const given = Object.entries(answers).filter(([, said]) => said.length);
      return given.length ? given.map(([id, said]) => (Array.isArray(said) ? { id, values: said } : { id, value: said })) : undefined;
    }
    #pay(url) {
      if (this.#data.way !== "page") return this.#leave(url);
      this.#frame = el("iframe", { src: `${url}&lang=${this.#data.language}`, title: this.#words.payment, allow: "payment", part: "payment-frame", referrerpolicy: "no-referrer" });
      Object.assign(this.#frame.style, { width: "100%", height: "32em", border: "0", display: "block", colorScheme: "light dark" });
      const way_out = el("p", { class: "small" }, el("a", { href: url, target: "_top", part: "payment-link" }, this.#words.elsewhere));
      this.#parts.patience = setTimeout(() => this.#unframed(), FRAME_PATIENCE_MS);
      this.#parts.url = url;
      this.#show(this.#heading(this.#words.payment), this.#place("payment", this.#frame, way_out));
      this.#tell("step", { step: "payment" });
    }
    #leave(url) {
      this.#show(this.#heading(this.#words.payment), el("p", {}, el("a", { class: "button primary big", part: "payment-link", href: url, target: "_top" }, this.#words.go_pay)));
      this.#tell("step", { step: "redirect" });
      try { window.top.location.assign(url); } catch { /* the link is there */ }
    }
    /** The host's policy, or something else, keeps our frame away: the link does it. */
    #unframed() {
      if (!this.#frame) return;
      this.#frame = undefined;
      this.#tell("error", { code: "FrameBlocked", message: this.#words.frame_blocked });
      this.#show(this.#heading(this.#words.payment), el("p", {}, this.#words.frame_blocked),
        el("p", {}, el("a", { class: "button primary big", part: "payment-link", href: this.#parts.url, target: "_top" }, this.#words.go_pay)));
    }
    #policy({ blockedURI, effectiveDirective }) {
      if (this.#frame && /frame|child|default/.test(effectiveDirective) && blockedURI.startsWith(BASE.origin)) this.#unframed();
    }
    #hear({ origin, source, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== new URL(this.#frame.src).origin) return;
      clearTimeout(this.#parts.patience);
      if (data.type === "gatepass:height") this.#frame.style.height = `${data.height}px`;
      if (data.type === "gatepass:declined") this.#tell("declined", { reason: data.reason });
      if (data.type === "gatepass:payment") { this.#order = data.order; this.#tell("payment", { state: data.state }); this.#done(data.state); }
    }

    // Step 3: how it ended.

    #done(state) {
      this.#frame = undefined;
      for (const root of this.#parts.away?.values() ?? []) root.replaceChildren();
      this.#show(this.#heading(this.#words[`${state}_title`]),
        el("div", { class: "notice", "data-state": state === "paid" || state === "registered" ? "done" : "awaiting", role: "status", tabindex: -1, part: "result" }, el("p", {}, this.#words[`${state}_text`])),
        this.#order && el("p", {}, el("a", { href: this.#order, part: "order-link" }, this.#words.order)));
      this.#parts.main.querySelector("[role=status]").focus();
      this.#tell("step", { step: "done" });
      if (state === "paid" || state === "registered") this.#tell("completed", { state });
    }

    // What all steps share.

    #heading(text) { return el("h2", { id: `${this.#id}-title`, part: "title" }, text); }
    #show(...children) {
      this.#parts.main.replaceChildren(...[this.#slot("before"), ...children, this.#slot("after")].filter(Boolean));
    }
    #money(minor) {
      if (!minor) return this.#words.free;
      const { currency, decimals } = this.#data;
      const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
      return new Intl.NumberFormat(this.#data.language, { style: "currency", currency, ...digits }).format(minor / 10 ** decimals);
    }
    async #call(path, body) {
      const url = new URL(`embed/v1/events/${encodeURIComponent(this.getAttribute("event") ?? "")}${path}`, BASE);
      url.search = new URLSearchParams({ emApplicationtoken: this.getAttribute("token") ?? "", locale: this.#locale });
      const headers = body ? { "Content-Type": "application/json", "Idempotency-Key": this.#key } : {};
      const answer = await fetch(url, { method: body ? "POST" : "GET", body, headers, credentials: "omit", referrerPolicy: "no-referrer" });
      const said = await answer.json();
      if (!answer.ok) throw Object.assign(new Error(said.errorMessage ?? answer.statusText), { code: said.errorCode });
      return said;
    }
    /** Without the form the host's own link stays; an organizer finds the reason in the event and the console. */
    #failed(error) {
      if (this.shadowRoot) this.shadowRoot.replaceChildren(el("slot"));
      this.#root = undefined;
      console.warn(`${NAME}: ${error.message} Test this page: ${new URL("embed/check", BASE)}`);
      this.#tell("error", { code: error.code ?? "Unreachable", message: error.message });
    }
    #tell(name, detail) { this.dispatchEvent(new CustomEvent(`gatepass:${name}`, { detail, bubbles: true, composed: true })); }

    // `test`: the page tests itself, and says what to change.

    #test() {
      if (!this.hasAttribute("test")) return null;
      const origin = BASE.origin, list = el("ul", { part: "test", class: "checklist" });
      const told = (fine, what, line) => list.append(el("li", { "data-state": fine ? "done" : "failed" }, fine ? "✓" : "✗", el("div", {}, what, !fine && line && el("pre", {}, line))));
      const { test_in, test_styles, test_styles_line, test_secure, test_secure_line, test_cookies, test_frame } = this.#words;
      told(true, test_in.replace("{}", origin));
      told(!this.#light && this.#root.adoptedStyleSheets.length > 0, test_styles, test_styles_line);
      told(isSecureContext, test_secure, test_secure_line);
      told(true, test_cookies);
      const probe = el("iframe", { src: new URL("embed/probe", BASE).href, title: "Test", hidden: true, "aria-hidden": "true" });
      const over = (fine) => { if (probe.isConnected) { told(fine, test_frame.replace("{}", origin), `Content-Security-Policy: frame-src ${origin}`); probe.remove(); } };
      addEventListener("message", ({ source, data }) => source === probe.contentWindow && data === "gatepass:probe" && over(true));
      setTimeout(over, 3000, false);
      list.append(probe);
      return list;
    }
  }

  customElements.define(NAME, GatepassRegistration);
})();
