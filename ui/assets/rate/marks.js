// Errors marked in the output. Places count Unicode code points, as Python does.

const MISSING = { start: null, end: null };
let marking = null;

const SPANS = {
  keys: [
    ["← → Home End", "choose a word of the output; End chooses [missing]"],
    ["Shift+← Shift+→", "choose more words"],
    ["1 2", "mark what is chosen as a minor or major error"],
    ["⌫", "remove the mark at what is chosen"],
    ["M", "go back to the output's words"],
  ],
  draw(control, group, place) {
    startMarking(control, place);
    group.append(drawTools(control), make("ul", "marks"));
    marking.list = group.querySelector(".marks");
    marking.hint = group.querySelector(".hint");
    drawMarks();
    tellChosen();
  },
  focus() {
    marking.body.focus({ preventScroll: true });
  },
  press(key, control) {
    const option = control.options.find((candidate) => candidate.key === key);
    if (option) setMark(option.value);
  },
};

function startMarking(control, place) {
  const body = part("texts").querySelector(".output .text");
  const text = screen.shown.outputs[0];
  const flow = body.querySelector(".flow") ?? make("span", "flow");
  const lack = make("span", "missing", "[missing]");
  marking = { control, body, flow, lack, points: text.trim() ? Array.from(text) : [] };
  body.append(flow, " ", lack);
  body.setAttribute("aria-describedby", "tandem-question-" + place);
  body.addEventListener("focus", () => activate(place));
  body.addEventListener("keydown", onMarkingKey);
  lack.addEventListener("click", () => toggle(MISSING));
}

function drawTools({ options }) {
  const tools = make("div", "tools");
  // On a phone a tap on the mark does it, and the list below.
  const remove = drawTool("Remove", "⌫", removeMarks);
  remove.classList.add("remove");
  tools.append(
    ...options.map(({ value, label, key }) => {
      const button = drawTool(label, key, () => setMark(value));
      const sample = make("span", "sample " + value, "ab");
      sample.setAttribute("aria-hidden", "true");
      button.prepend(sample);
      return button;
    }),
    remove,
    make("p", "hint"),
  );
  tools.lastChild.setAttribute("aria-live", "polite");
  return tools;
}

function drawTool(label, key, act) {
  const button = make("button", "quiet");
  button.type = "button";
  button.append(label + " ", make("kbd", "", key));
  // The selection must outlive the click.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", act);
  return button;
}

function marks() {
  return values[marking.control.name] ?? [];
}

function textOf({ start, end }) {
  return start === null ? "[missing]" : marking.points.slice(start, end).join("");
}

function drawMarks() {
  const { flow, lack, list } = marking;
  const pieces = [];
  let at = 0;
  lack.className = "missing";
  marks().forEach((mark) => {
    if (mark.start === null) return lack.classList.add(mark.severity);
    const start = Math.max(at, mark.start);
    const node = make("mark", mark.severity);
    node.append(...boxed(textOf({ start, end: mark.end })));
    node.addEventListener("click", (event) => {
      // The second click of two selects a word, and so does dragging.
      if (event.detail < 2 && document.getSelection().isCollapsed) toggle(mark);
    });
    pieces.push(...boxed(textOf({ start: at, end: start })), node);
    at = mark.end;
  });
  flow.replaceChildren(...pieces, ...boxed(textOf({ start: at })));
  if (differences) drawDifferences();
  list.replaceChildren(...marks().map(drawMark));
}

function drawMark(mark) {
  const line = make("li");
  const remove = make("button", "link", "Remove");
  remove.type = "button";
  remove.setAttribute("aria-label", "Remove the " + mark.severity + " error: " + textOf(mark));
  remove.addEventListener("click", () => {
    giveMarks(marks().filter((other) => other !== mark));
    marking.body.focus({ preventScroll: true });
  });
  const words = make("span", "words");
  words.append(...boxed(textOf(mark)));
  words.dir = "auto";
  line.append(make("span", "sample " + mark.severity, mark.severity), words, remove);
  return line;
}

function giveMarks(next) {
  const last = marking.points.length;
  give(
    marking.control,
    next.toSorted((one, other) => (one.start ?? last) - (other.start ?? last)),
  );
  // The nodes that were selected are gone.
  document.getSelection().removeAllRanges();
  drawMarks();
  showChosen();
}

function overlap(one, other) {
  if (one.start === null || other.start === null) return one.start === other.start;
  return one.start < other.end && other.start < one.end;
}

// A new mark takes the place of all that it overlaps; within a mark, the whole changes.
function setMark(severity) {
  const chosen = trimmed(marking.chosen);
  if (!chosen) return tellChosen("Select the words first, or choose one with ← →");
  const around = marks().find(
    (mark) => overlap(mark, chosen) && mark.start <= chosen.start && chosen.end <= mark.end,
  );
  const { start, end } = around ?? chosen;
  const others = marks().filter((mark) => !overlap(mark, { start, end }));
  giveMarks([...others, { severity, start, end }]);
}

function removeMarks() {
  if (marking.chosen) giveMarks(marks().filter((mark) => !overlap(mark, marking.chosen)));
}

function toggle({ start, end }) {
  take({ start, end });
  const mark = marks().find((candidate) => candidate.start === start && candidate.end === end);
  if (mark?.severity === "major") removeMarks();
  else setMark(mark ? "major" : "minor");
}

function trimmed(chosen) {
  if (!chosen || chosen.start === null) return chosen;
  let { start, end } = chosen;
  while (start < end && !marking.points[start].trim()) start += 1;
  while (start < end && !marking.points[end - 1].trim()) end -= 1;
  return start < end ? { start, end } : null;
}
