// The whole screen

function draw(next) {
  const before = screen?.shown?.token;
  screen = next;
  const shown = screen.shown;
  part("simulated").hidden = !screen.simulated;
  part("rater").textContent = screen.rater;
  part("desk").hidden = !shown;
  part("end").hidden = Boolean(shown);
  element.querySelectorAll('[data-do="undo"]').forEach((button) => {
    button.disabled = !screen.can_undo;
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
  part("desk").querySelector('[data-do="skip"]').hidden = screen.reopened;
  part("earlier-open").disabled = !screen.can_undo;
}

function drawShown(shown) {
  const draft = readDraft(shown.token);
  values = { ...(shown.answer?.values ?? {}), ...(draft.values ?? {}) };
  part("comment").value = draft.comment ?? shown.answer?.comment ?? "";
  drawTexts(shown);
  const controls = shown.controls.map((control, place) => DRAW[control.kind](control, place));
  part("controls").replaceChildren(...controls);
  activate(answered(0) ? Math.max(0, firstUnanswered(0)) : 0);
  startClock();
  window.scrollTo(0, 0);
  const heading = part("texts").querySelector(".output h2");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function drawProgress() {
  const { done, left, seconds_left: seconds, training } = screen;
  const share = done + left ? Math.round((100 * done) / (done + left)) : 100;
  part("meter").setAttribute("aria-valuenow", share);
  part("meter-fill").style.width = share + "%";
  const time = seconds === null || !left ? "" : " · about " + inWords(seconds);
  const where = done + " rated · " + left + " left" + time;
  part("where").textContent = training ? "Training " + training.join(" of ") : where;
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
  const count = done + (done === 1 ? " output" : " outputs");
  part("end-text").textContent = done
    ? "You rated " + count + ", and everything is stored. You can close this page."
    : "Every output has its raters, or is being rated by somebody right now.";
  part("end").focus({ preventScroll: true });
}

function say(notice, problem) {
  part("status").textContent = notice || "";
  part("status").classList.toggle("good", Boolean(notice) && !problem);
  part("problem").textContent = problem || "";
  part("problem").hidden = !problem;
}
