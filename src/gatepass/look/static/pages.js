// What forms cannot do alone. Every page works without this file.
"use strict";

// A button that was pressed says so, until the page is left or comes back from the browser's memory.
addEventListener("submit", ({ submitter, defaultPrevented }) => {
  if (!defaultPrevented && submitter?.matches(".primary")) submitter.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// Times stand in the event's zone. Who looks from another zone sees their own, and the event's on pointing.
function toOwnZone() {
  const named = document.querySelector("[data-zone]");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!named || !own || named.dataset.zone === own) return;
  let before = "";
  for (const time of document.querySelectorAll("time[data-local]")) {
    const [day, hour] = written(new Date(time.dateTime), time.dataset.local === "seconds");
    time.title = `${time.textContent} ${named.dataset.zone.replaceAll("_", " ")}`;
    if (time.dataset.local === "sentence") time.textContent = `${hour} on ${day}`;
    else {
      time.textContent = day === before ? hour : `${day}, ${hour}`;
      before = day;
    }
    time.removeAttribute("data-local");
  }
  named.textContent = `${named.dataset.own} (${own.replaceAll("_", " ")})`;
  named.removeAttribute("data-zone");
}
function written(at, seconds) {
  const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const day = at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", ...year });
  const second = seconds ? { second: "2-digit" } : {};
  return [day.replaceAll(",", ""), at.toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit", ...second })];
}
toOwnZone();
const state = document.getElementById("state");
// Before the browser paints, so nobody sees the change.
if (state) new MutationObserver(toOwnZone).observe(state, { childList: true });

// The key / goes to the search field, unless somebody is writing.
addEventListener("keydown", (event) => {
  const search = document.querySelector("[aria-keyshortcuts='/']");
  if (event.key !== "/" || !search || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input,textarea,select")) return;
  event.preventDefault();
  search.select();
});
