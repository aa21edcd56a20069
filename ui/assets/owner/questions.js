// Which is better: how the intervals shrink, and whether the question is settled

const WIDE = 240;
const TALL = 72;

async function showQuestions() {
  const reply = await ask("ask_questions");
  if (!reply) return;
  const names = [...new Set(reply.questions.map((one) => one.campaign))];
  draw("questions", ...names.map((name) =>
    questionsPanel(name, reply.questions.filter((one) => one.campaign === name))));
}

function questionsPanel(name, questions) {
  const panel = make("section", "panel questions",
    make("h2", "", "Which is better?", make("span", "hint", name)),
    make("p", "hint", "The light band holds however often you look; only it settles a " +
      "question. The dark one is for one look at the end. Each is for its own question."),
    make("div", "asked", ...questions.map(questionBox)));
  panel.dataset.key = name;
  return panel;
}

function questionBox(one) {
  const shown = valueWords(one);
  const box = make("section", "asking",
    make("h3", "", one.criterion + ": ", make("span", "label", one.second),
      one.now.comparing ? " preferred to " : " minus ", make("span", "label", one.first)),
    make("p", "verdict" + (one.settled ? " settled" : ""), one.verdict));
  box.dataset.key = one.criterion + " " + one.first + " " + one.second;
  if (one.looks.length) box.append(figure(one, shown));
  const facts = make("dl", "",
    ...estimate("ratings alone", one.now.alone, shown),
    ...estimate(helped(one.now), one.now.combined, shown),
    ...estimate("at every look", one.now.always, shown));
  box.append(facts, make("p", "hint", one.now.alone.n + " prompts, " +
    one.now.ratings + " ratings of the two" +
    (one.now.equal ? "; " + one.now.equal + " more where both wrote the same" : "")));
  return box;
}

function helped(now) {
  if (!now.metric) return "with a metric";
  const saved = Math.max(0, Math.floor(now.combined.effective_n - now.combined.n));
  const worth = saved + " more prompt" + (saved === 1 ? "" : "s");
  return "with " + now.metric.split("|")[0] + ", worth " + worth;
}

function valueWords(one) {
  if (one.now.comparing) return (number) => Math.round(100 * number) + " %";
  return (number) => {
    const digits = rounded(Math.abs(number));
    const sign = Number(digits) === 0 ? "" : number > 0 ? "+" : "−";
    return sign + digits;
  };
}

function estimate(label, found, shown) {
  const value = found.value === null ? "–" : shown(found.value);
  const cell = make("dd", "figure", make("b", "", value));
  cell.append(found.low === null ? make("span", "interval", "no interval yet")
    : make("span", "interval", "[" + shown(found.low) + ", " + shown(found.high) + "]"));
  cell.title = found.why;
  return [make("dt", "", label), cell];
}

function svg(tag, attributes, ...inside) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...inside);
  return node;
}

// Values over the ratings so far, with both bands; the dashed line is where neither is better.
function figure(one, shown) {
  const most = one.looks.at(-1).ratings;
  const ends = one.looks.flatMap(({ combined, always }) =>
    [combined.low, combined.high, always.low, always.high, combined.value])
    .filter((value) => value !== null);
  const low = Math.max(one.scale[0], Math.min(one.null, ...ends));
  const high = Math.min(one.scale[1], Math.max(one.null, ...ends));
  const across = (ratings) => (WIDE * ratings / most).toFixed(1);
  const up = (value) =>
    (4 + (TALL - 8) * (1 - (Math.min(high, Math.max(low, value)) - low) / (high - low || 1))).toFixed(1);
  const band = (name) => {
    const known = one.looks.filter((look) => look[name].low !== null);
    const upper = known.map((look) => across(look.ratings) + "," + up(look[name].high));
    const lower = known.map((look) => across(look.ratings) + "," + up(look[name].low));
    return svg("polygon", { class: name, points: [...upper, ...lower.reverse()].join(" ") });
  };
  const line = one.looks.filter((look) => look.combined.value !== null)
    .map((look) => across(look.ratings) + "," + up(look.combined.value)).join(" ");
  const drawn = svg("svg", { viewBox: "0 0 " + WIDE + " " + TALL, role: "img",
    preserveAspectRatio: "none", "aria-label": one.verdict + " after " + most + " ratings" },
    band("always"), band("combined"),
    svg("line", { class: "null", x1: 0, x2: WIDE, y1: up(one.null), y2: up(one.null) }),
    svg("polyline", { class: "value", points: line }));
  return make("div", "shrinking",
    make("span", "top", shown(high)), drawn, make("span", "bottom", shown(low)),
    make("span", "from", "0"), make("span", "to", most + " ratings"));
}
