// What a host's own script does with the form.
"use strict";
const dialog = document.getElementById("dialog");
document.getElementById("open")?.addEventListener("click", () => dialog.showModal());

const later = document.getElementById("later");
if (later) {
  const form = document.createElement("gatepass-registration");
  later.append(form);
  form.setAttribute("event", later.dataset.event);
  form.setAttribute("token", later.dataset.token);
}

const frame = document.getElementById("form");
addEventListener("message", ({ source, data }) => {
  if (source === frame?.contentWindow && data.type === "gatepass:height") frame.height = data.height;
});
