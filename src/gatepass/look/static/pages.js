// What forms cannot do alone. Every page works without this file.
"use strict";

// A button that was pressed says so, until the page is left or comes back from the browser's memory.
addEventListener("submit", ({ submitter, defaultPrevented }) => {
  if (!defaultPrevented && submitter?.matches(".primary")) submitter.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});
