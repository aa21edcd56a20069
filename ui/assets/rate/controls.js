// The questions: which is marked, which is answered

const WIDGETS = { choice: CHOICE, slider: SLIDER, ranking: RANKING, spans: SPANS };

function widget(place) {
  return WIDGETS[screen.shown.controls[place].kind];
}

function drawControl(control, place) {
  const group = make("fieldset", "criterion " + control.kind);
  group.id = "tandem-question-" + place;
  group.tabIndex = -1;
  group.append(make("legend", "", control.question));
  if (control.definition) group.append(definitionOf(group, control.definition));
  group.addEventListener("focusin", () => activate(place));
  WIDGETS[control.kind].draw(control, group, place);
  return group;
}

// Screen readers say it with the group.
function definitionOf(group, text) {
  const definition = make("p", "definition", text);
  definition.id = group.id + "-definition";
  group.setAttribute("aria-describedby", definition.id);
  return definition;
}

function drawControls(controls) {
  part("controls").replaceChildren();
  controls.forEach((control, place) => {
    const group = drawControl(control, place);
    // What is done in the text belongs below the text.
    if (control.kind === "spans") part("texts").querySelector(".output").append(group);
    else part("controls").append(group);
  });
  const open = controls.findIndex(({ name, required }, place) =>
    required ? missing(place) : values[name] === undefined,
  );
  active = null;
  activate(Math.max(0, open));
  const lines = [...new Set(controls.map(({ kind }) => kind))].flatMap((kind) => WIDGETS[kind].keys);
  part("help-keys").replaceChildren(...lines.map(drawHelp));
}

function drawHelp([keys, meaning]) {
  const line = make("div");
  const term = make("dt");
  keys.split(" ").forEach((key) => term.append(key === "–" ? key : make("kbd", "", key), " "));
  line.append(term, make("dd", "", meaning));
  return line;
}

function groups() {
  return [...part("desk").querySelectorAll(".criterion")];
}

function activate(place) {
  if (place === active) return;
  active = place;
  typed = "";
  groups().forEach((group, other) => group.classList.toggle("active", other === place));
  widget(place).begin?.(groups()[place], screen.shown.controls[place]);
}

function give(control, value) {
  if (value === undefined) delete values[control.name];
  else values[control.name] = value;
  part("problem").hidden = true;
  writeDraft();
}

function missing(place) {
  const { name, required } = screen.shown.controls[place];
  const full = widget(place).full ?? ((value) => value !== undefined);
  return required && !full(values[name]);
}

function firstMissing(after) {
  const count = screen.shown.controls.length;
  for (let step = 1; step <= count; step += 1) {
    const place = (after + step) % count;
    if (missing(place)) return place;
  }
  return after;
}

function focusGroup(place) {
  activate(place);
  widget(place).focus(groups()[place], screen.shown.controls[place]);
}

function goOn() {
  const next = firstMissing(active);
  if (missing(next)) focusGroup(next);
  else part("submit").focus();
}
