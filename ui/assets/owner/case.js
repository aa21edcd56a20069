// Adjudication: what raters dispute, blind until it is decided

let cases = [];
let current = 0;
let shown = null;

async function showCases() {
  const campaign = part("campaign").value;
  if (!campaign) return part("where").textContent = "Nothing is rated here.";
  const reply = await ask("ask_disputes", { campaign });
  if (!reply) return;
  cases = reply.disputes.filter((one) => !one.decided);
  current = 0;
  drawVerdicts(reply.verdicts);
  showCase();
}

async function showCase(unit) {
  const one = unit ? { unit } : cases[current];
  part("where").textContent = unit ? "Deciding again"
    : one ? "Case " + (current + 1) + " of " + cases.length + ": " + degree(one)
      : "No open case: raters agree, or you have decided.";
  for (const name of ["back", "next"]) {
    element.querySelector('[data-do="' + name + '"]').hidden = cases.length < 2;
  }
  shown = null;
  if (!one) return part("case").replaceChildren();
  const reply = await ask("ask_case", { campaign: part("campaign").value, unit: one.unit });
  if (!reply) return;
  shown = reply.case;
  part("case").replaceChildren(caseTexts(shown), caseForm(shown));
}

const degree = (one) => Math.round(100 * one.disagreement) + " % apart, " + one.raters + " raters";

function step(by) {
  current = (current + by + cases.length) % cases.length;
  showCase();
}

function caseTexts(one) {
  const texts = [excerptPanel("Prompt", one.prompt)];
  one.references.forEach((text) => texts.push(excerptPanel("A right answer", text)));
  one.outputs.forEach((text, place) => texts.push(excerptPanel(outputName(one.outputs, place), text)));
  return make("div", "reading", ...texts);
}

function excerptPanel(title, text) {
  const box = excerpt(title, { text, hidden: 0, checkpoint: "" });
  box.classList.add("panel");
  return box;
}

function caseForm(one) {
  const form = make("form", "judging", answersTable(one));
  form.dataset.part = "verdict";
  form.noValidate = true;
  one.comments.forEach((text) => {
    const said = make("p", "said", "“" + text + "”");
    said.dir = "auto";
    form.append(said);
  });
  one.controls.forEach((control, place) => form.append(question(one, control, place)));
  const label = make("label", "", "Why ", make("span", "hint", "optional"));
  label.htmlFor = "tandem-why";
  const comment = make("textarea");
  comment.id = "tandem-why";
  comment.dataset.part = "why";
  comment.rows = 2;
  comment.maxLength = 10000;
  form.append(make("div", "comment", label, comment),
    make("div", "actions", make("button", "primary", "Decide and see who wrote it")));
  return form;
}

function answersTable(one) {
  const letters = one.answers.map((_, place) => "Rater " + (place + 1));
  return table(["Raters said", ...letters], one.controls.map((control) => [
    control.name, control.name,
    ...one.answers.map((answers) => inWords(control, answers[control.name])),
  ]));
}

function inWords(control, value) {
  if (value === undefined) return "–";
  if (control.kind === "ranking") return value.join(", ");
  const option = control.options.find((one) => one.value === value);
  return typeof value === "string" && option ? option.label : value;
}

function question(one, control, place) {
  const group = make("fieldset", "criterion", make("legend", "", control.question));
  if (control.definition) group.append(make("p", "definition", control.definition));
  const before = one.verdict[control.name];
  if (control.kind === "choice") group.append(choices(control, place, before));
  else if (control.kind === "slider") group.append(numberBox(control, control.name, 0, 100, before));
  else one.outputs.forEach((_, output) => group.append(numberBox(
    control, outputName(one.outputs, output), 1, one.outputs.length, before?.[output])));
  group.dataset.criterion = control.name;
  group.dataset.kind = control.kind;
  return group;
}

function choices(control, place, before) {
  const labelled = control.options.some((option) => option.label);
  return make("div", labelled ? "answers" : "answers across", ...control.options.map((option) => {
    const radio = make("input");
    radio.type = "radio";
    radio.name = "tandem-question-" + place;
    radio.value = JSON.stringify(option.value);
    radio.checked = option.value === before;
    const words = typeof option.value === "number"
      ? option.value + (option.label ? "  " + option.label : "") : option.label;
    return make("label", "", radio, " ", words);
  }));
}

function numberBox(control, name, from, to, before) {
  const box = make("input");
  box.type = "number";
  Object.assign(box, { min: from, max: to, step: 1, value: before ?? "" });
  box.setAttribute("aria-label", control.question + " " + name);
  const hint = make("span", "hint", from + " to " + to);
  return make("label", "number", name === control.name ? "" : name + " ", box, " ", hint);
}

function verdictValues() {
  const values = {};
  for (const group of part("verdict").querySelectorAll("[data-criterion]")) {
    const name = group.dataset.criterion;
    if (group.dataset.kind === "choice") {
      const radio = group.querySelector("input:checked");
      if (radio) values[name] = JSON.parse(radio.value);
      continue;
    }
    const numbers = [...group.querySelectorAll("input")].map((box) =>
      box.value === "" ? null : Number(box.value));
    if (!numbers.includes(null)) values[name] = group.dataset.kind === "ranking" ? numbers : numbers[0];
  }
  return values;
}

async function decide() {
  const message = { unit: shown.unit, values: verdictValues(), comment: part("why").value };
  const reply = await ask("decide_case", { campaign: part("campaign").value, ...message });
  if (!reply) return;
  await showCases();
  part("verdicts").scrollIntoView({ block: "nearest" });
}

function drawVerdicts(found) {
  if (!found.length) return draw("verdicts");
  draw("verdicts", make("h2", "over", "Decided"), ...found.map((one) => {
    const values = Object.entries(one.values).map(([name, value]) => name + ": " + value);
    const panel = make("article", "panel remark",
      make("p", "facts", clock(one.created) + " · ", make("b", "", values.join(" · "))));
    if (one.comment) panel.append(make("p", "said", one.comment));
    panel.append(excerpt("Prompt", { text: one.prompt }));
    one.outputs.forEach((text, place) => {
      panel.append(excerpt(outputName(one.outputs, place), { text, checkpoint: one.checkpoints[place] }));
    });
    panel.append(act("again", "Decide again", { unit: one.unit }));
    panel.dataset.key = "verdict-" + one.unit;
    return panel;
  }));
}
