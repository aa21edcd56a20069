// What is said of an example of the training round

function drawFeedback({ feedback, training, shown }) {
  if (!feedback) return;
  part("feedback-title").textContent = feedback.right ? "As expected" : "Not quite as expected";
  part("feedback-lines").replaceChildren(...feedback.lines.map(drawFeedbackLine));
  part("feedback-text").textContent = feedback.explanation;
  part("feedback-text").hidden = !feedback.explanation;
  part("feedback-over").hidden = Boolean(training) || !shown;
  part("feedback").showModal();
}

function drawFeedbackLine({ question, given, expected, right }) {
  const line = make("li", right ? "right" : "wrong");
  line.append(make("b", "", question), make("span", "said", "You said: " + given));
  if (!right) line.append(make("span", "said", "Expected: " + expected));
  return line;
}

// The time for the next text begins when it can be read, and so do its keys.
part("feedback").addEventListener("close", () => {
  startClock();
  focusStart();
});
