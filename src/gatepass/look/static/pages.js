// What forms cannot do alone. Every page works without this file.
"use strict";

const language = document.documentElement.lang || "en";
// The pages write every number in the digits 0 to 9, whatever the language.
const spoken = language.startsWith("en") ? "en-GB" : `${language}-u-nu-latn`;
const comma = language.startsWith("ar") ? "، " : ", ";
const hours = language.startsWith("en") ? "en-US" : spoken;

// A button that was pressed says so, until the page is left or comes back from the browser's memory.
addEventListener("submit", ({ submitter, defaultPrevented }) => {
  if (!defaultPrevented && submitter?.matches(".primary")) submitter.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

// The form that is being changed takes no words meanwhile: the answer would not have them. Where none comes, it says so.
const hold = (held) => {
  for (const part of document.querySelectorAll("#register fieldset:not(#people)")) part.inert = held;
};
addEventListener("htmx:before:request", ({ target }) => hold(target.matches("button")));
addEventListener("htmx:finally:request", () => hold(false));
for (const [name, hidden] of [["htmx:before:request", true], ["htmx:response:error", false], ["htmx:error", false]]) {
  addEventListener(name, () => {
    const line = document.getElementById("unanswered");
    if (line) line.hidden = hidden;
  });
}

// Times stand in the event's zone. Who looks from another zone sees their own, and the event's on pointing.
function toOwnZone() {
  const named = document.querySelector("[data-zone]");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!named || !own || named.dataset.zone === own) return;
  let before = "";
  for (const time of document.querySelectorAll("time[data-local]")) {
    const { local } = time.dataset;
    const [day, hour] = written(new Date(time.dateTime), { second: local === "seconds", zone: local === "sentence" });
    time.title = `${time.textContent} ${named.dataset.zone.replaceAll("_", " ")}`;
    if (local === "sentence") time.textContent = hours === "en-US" ? `${hour} on ${day}` : `${day}${comma}${hour}`;
    else {
      time.textContent = day === before ? hour : `${day}${comma}${hour}`;
      before = day;
    }
    time.removeAttribute("data-local");
  }
  named.textContent = `${named.dataset.own} (${own.replaceAll("_", " ")})`;
  named.removeAttribute("data-zone");
}
function written(at, { second, zone } = {}) {
  const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const day = at.toLocaleDateString(spoken, { weekday: "short", day: "numeric", month: "short", ...year });
  const more = { ...(second && { second: "2-digit" }), ...(zone && { timeZoneName: "short" }) };
  const hour = at.toLocaleTimeString(hours, { hour: "numeric", minute: "2-digit", ...more });
  return [hours === "en-US" ? day.replaceAll(",", "") : day, hour];
}

// The event's own time stays; who is elsewhere reads theirs beside it.
function besideOwnTime() {
  for (const line of document.querySelectorAll("[data-event-zone]")) {
    const [starts, ends] = [new Date(line.dataset.starts), new Date(line.dataset.ends)];
    const clock = (zone) => starts.toLocaleString("en", { timeZone: zone });
    if (clock() !== clock(line.dataset.eventZone)) {
      const first = written(starts).join(comma);
      const last = written(ends);
      const until = first.startsWith(last[0]) ? last[1] : last.join(comma);
      line.append(" ", Object.assign(document.createElement("bdi"), {
        textContent: line.dataset.own.replace("{}", `${first} – ${until}`),
      }));
    }
    line.removeAttribute("data-event-zone");
  }
}

// What is left of a hold. Said aloud twice: five minutes and one minute before its end.
function countDown() {
  for (const left of document.querySelectorAll("[data-until]")) {
    const minutes = Math.floor((new Date(left.dataset.until) - Date.now()) / 60_000);
    if (minutes < 0) continue;
    const words = minutes ? left.dataset.minutes.replace("{}", minutes) : left.dataset.last;
    if (left.textContent === words) continue;
    left.textContent = words;
    const said = document.getElementById("said");
    if (said && (minutes === 5 || minutes === 1)) said.textContent = left.parentElement.textContent;
  }
}

function refresh() {
  toOwnZone();
  besideOwnTime();
  countDown();
}
refresh();
setInterval(countDown, 5_000);
// Before the browser paints, so nobody sees the change.
for (const part of [document.getElementById("state"), document.querySelector(".page")]) {
  if (part) new MutationObserver(refresh).observe(part, { childList: true });
}

// The key / goes to the search field, unless somebody is writing.
addEventListener("keydown", (event) => {
  const search = document.querySelector("[aria-keyshortcuts='/']");
  if (event.key !== "/" || !search || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input,textarea,select")) return;
  event.preventDefault();
  search.select();
});
