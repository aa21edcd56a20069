// Time for which the page was visible

function startClock() {
  looked = 0;
  since = document.hidden ? null : performance.now();
}

function secondsLooked() {
  return (looked + (since === null ? 0 : performance.now() - since)) / 1000;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && since !== null) {
    looked += performance.now() - since;
    since = null;
  } else if (!document.hidden) {
    since = performance.now();
  }
});
