// The bank's step is over: the page that shows it takes it away.
if (parent !== window) parent.postMessage("3ds-over", "*");
