// Our pages inside a frame tell the page around them how tall they are, and what happens.
"use strict";
if (parent !== window) {
  const tell = (message) => parent.postMessage(message, "*");
  new ResizeObserver(() => tell({ type: "gatepass:height", height: Math.ceil(document.body.getBoundingClientRect().height) })).observe(document.body);
  for (const name of ["ready", "step", "submitted", "declined", "payment", "completed", "error"]) {
    addEventListener(`gatepass:${name}`, ({ detail }) => tell({ type: `gatepass:${name}`, detail }));
  }
  if (document.body.hasAttribute("data-probe")) tell("gatepass:probe");
}
