// What is chosen in the output, to be marked: by pointer, touch or word by word

const HOW_TO_CHOOSE = "Select words" + (BY_TOUCH ? "" : ", or choose one with ← →");

function placeOf(node, offset) {
  const before = document.createRange();
  before.setStart(marking.flow, 0);
  before.setEnd(node, offset);
  return Math.min(Array.from(before.toString()).length, marking.points.length);
}

// Of a place in code points: the text node and the offset in it, in UTF-16 units.
function nodeAt(place) {
  const texts = document.createTreeWalker(marking.flow, NodeFilter.SHOW_TEXT);
  let left = place;
  let node = marking.flow;
  while (texts.nextNode()) {
    node = texts.currentNode;
    const points = Array.from(node.data);
    if (left <= points.length) return [node, points.slice(0, left).join("").length];
    left -= points.length;
  }
  return [node, node.length ?? 0];
}

function words() {
  if (!marking.words) {
    let at = 0;
    const segments = new Intl.Segmenter(undefined, { granularity: "word" });
    marking.words = [...segments.segment(marking.points.join(""))]
      .map(({ segment }) => {
        const start = at;
        at += Array.from(segment).length;
        return { start, end: at, blank: !segment.trim() };
      })
      .filter(({ blank }) => !blank);
    marking.words.push(MISSING);
  }
  return marking.words;
}

function neighbour({ start, end }, forward) {
  const all = words();
  if (forward) return start === null ? MISSING : all.find((word) => (word.start ?? end) >= end);
  if (start === null) return all.at(-2) ?? MISSING;
  return all.findLast((word) => word.end !== null && word.end <= start) ?? all[0];
}

function take(chosen) {
  Object.assign(marking, { chosen, from: chosen, to: chosen });
}

function choose(from, to) {
  const alone = from.start === null || to.start === null;
  const chosen = { start: Math.min(from.start, to.start), end: Math.max(from.end, to.end) };
  Object.assign(marking, { chosen: alone ? MISSING : chosen, from, to });
  showChosen();
  select();
}

function select() {
  const selection = document.getSelection();
  if (marking.chosen.start === null) return selection.removeAllRanges();
  const { start, end } = marking.chosen;
  selection.setBaseAndExtent(...nodeAt(start), ...nodeAt(end));
  const { body } = marking;
  const word = selection.getRangeAt(0).getBoundingClientRect();
  const view = body.getBoundingClientRect();
  if (word.top < view.top) body.scrollTop -= view.top - word.top + 8;
  if (word.bottom > view.bottom) body.scrollTop += word.bottom - view.bottom + 8;
}

function showChosen() {
  const { chosen, flow, lack } = marking;
  lack.classList.toggle("chosen", chosen?.start === null);
  const nodes = [...flow.querySelectorAll("mark")];
  marks().forEach((mark, number) => {
    nodes[number]?.classList.toggle("chosen", Boolean(chosen) && overlap(mark, chosen));
  });
  tellChosen();
}

function tellChosen(problem) {
  const { chosen, hint } = marking;
  const found = chosen && marks().find((mark) => overlap(mark, chosen));
  const words = chosen && trimmed(chosen) ? textOf(chosen) : "";
  const what = words ? words + (found ? " – " + found.severity + " error" : "") : "";
  hint.replaceChildren(...boxed(problem ?? (what || HOW_TO_CHOOSE)));
}

function moveTo(event) {
  const all = words();
  if (event.key === "Home") return all[0];
  if (event.key === "End") return MISSING;
  const ltr = getComputedStyle(marking.body).direction === "ltr";
  const from = marking.to ?? { start: 0, end: 0 };
  return neighbour(from, (event.key === "ArrowRight") === ltr) ?? MISSING;
}

function onMarkingKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Backspace" || event.key === "Delete") removeMarks();
  else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
    const to = moveTo(event);
    if (!event.shiftKey) choose(to, to);
    else if (to.start !== null && marking.from?.start !== null) choose(marking.from ?? to, to);
  } else return;
  event.preventDefault();
}

document.addEventListener("selectionchange", () => {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = document.getSelection();
  if (!marking?.body.contains(anchorNode) || !marking.body.contains(focusNode)) return;
  const places = [placeOf(anchorNode, anchorOffset), placeOf(focusNode, focusOffset)];
  const [start, end] = places.toSorted((one, other) => one - other);
  const { chosen } = marking;
  // What the keys chose is known already, with the word that they began at.
  if (chosen && chosen.start === start && chosen.end === end) return;
  take({ start, end });
  showChosen();
});
