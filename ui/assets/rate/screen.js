// The whole screen

function draw(next) {
  const before = screen?.shown?.token;
  screen = next;
  const shown = screen.shown;
  part("simulated").hidden = !screen.simulated;
  part("rater").textContent = screen.rater;
  part("desk").hidden = !shown;
  part("desk").classList.toggle("together", shown?.outputs.length > 1);
  part("end").hidden = Boolean(shown);
  element.querySelectorAll('[data-do="undo"]').forEach((button) => {
    button.disabled = !screen.last;
  });
  drawProgress();
  drawReopened();
  say(screen.notice, screen.problem);
  drawFeedback(screen);
  if (!shown) return drawEnd();
  if (shown.token === before && screen.problem) return;
  drawShown(shown);
}

function drawReopened() {
  part("reopened").hidden = !screen.reopened;
  rememberReopened(screen.reopened ? screen.shown.token : "");
  part("desk").querySelector('[data-do="skip"]').hidden = screen.reopened;
  part("earlier-open").disabled = !screen.last;
}

function drawShown(shown) {
  const draft = readDraft(shown.token);
  // Whole, not mixed: what the draft has no more was taken away.
  values = { ...(draft.values ?? shown.answer?.values) };
  part("comment").value = draft.comment ?? shown.answer?.comment ?? "";
  part("flag").checked = draft.flagged ?? shown.answer?.flagged ?? false;
  drawTexts(shown);
  drawControls(shown.controls);
  startClock();
  window.scrollTo(0, 0);
  part("reading").scrollTop = 0;
  focusStart();
}

function focusStart() {
  const { shown } = screen;
  if (!shown) return part("end").focus({ preventScroll: true });
  // Where words are marked, the keys begin in the text.
  if (shown.controls[active].kind === "spans") return focusGroup(active);
  const heading = part("texts").querySelector(".output h2");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function drawProgress() {
  const { done, left, seconds_left: seconds, training } = screen;
  const share = done + left ? Math.round((100 * done) / (done + left)) : 100;
  part("meter").setAttribute("aria-valuenow", share);
  part("meter-fill").style.width = share + "%";
  const timed = seconds !== null && left > 0;
  const time = timed ? " · about " + inWords(seconds) : "";
  const where = done + " rated · " + left + " left" + time;
  part("where").textContent = training ? "Training " + training.join(" of ") : where;
  if (!timed || training) return;
  const pace = " at " + Math.max(1, Math.round(seconds / left)) + " s each";
  part("where").append(make("span", "pace", pace));
}

function inWords(seconds) {
  if (seconds < 90) return Math.max(10, Math.ceil(seconds / 10) * 10) + " s";
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return minutes + " min";
  return Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

function drawEnd() {
  const { done } = screen;
  dropDrafts("");
  part("end-title").textContent = done ? "That was the last one. Thank you!" : "Nothing to rate";
  const count = done + (done === 1 ? " answer" : " answers");
  part("end-text").textContent = done
    ? "You gave " + count + ", and everything is stored. You can close this page."
    : "Every output has its raters, or is being rated by somebody right now.";
  focusStart();
}

function say(notice, problem) {
  part("status").textContent = notice || "";
  part("status").classList.toggle("good", Boolean(notice) && !problem);
  part("problem").textContent = problem || "";
  part("problem").hidden = !problem;
}
