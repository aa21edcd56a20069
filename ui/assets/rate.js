// The rating page. Texts of models and data only ever pass through textContent.
const part = (name) => element.querySelector('[data-part="' + name + '"]');
const DRAFT = "tandem-draft-";
const GONE = "Your answer is still on this page and was not stored: ";

let screen = null;
let values = {};
let active = 0;
let busy = false;
let looked = 0;
let since = null;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

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

// Drafts: what is typed survives a reload; the server knows answers alone

function readDraft(token) {
  try {
    return JSON.parse(localStorage.getItem(DRAFT + token)) || {};
  } catch {
    return {};
  }
}

function writeDraft() {
  const draft = JSON.stringify({ values, comment: part("comment").value });
  try {
    localStorage.setItem(DRAFT + screen.shown.token, draft);
  } catch {
    // A browser may forbid storage; then a reload loses what was typed.
  }
}

function dropDrafts(prefix) {
  try {
    Object.keys(localStorage)
      .filter((key) => key.startsWith(DRAFT + prefix))
      .forEach((key) => localStorage.removeItem(key));
  } catch {
    // As above.
  }
}

// Drawing

function textPanel(title, text, nothing, className) {
  const panel = make("section", "panel " + className);
  const heading = make("h2", "", title);
  const body = make("div", "text", text);
  body.dir = "auto";
  body.tabIndex = 0;
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", title);
  if (!text.trim()) {
    body.textContent = text ? "(" + nothing + " but white space)" : "(" + nothing + ")";
    body.classList.add("nothing");
    body.dir = "ltr";
  }
  panel.append(heading, body);
  return panel;
}

function drawTexts(shown) {
  const one = shown.outputs.length === 1;
  const panels = [textPanel("Prompt", shown.prompt, "nothing", "prompt")];
  shown.references.forEach((text, place) => {
    const number = shown.references.length > 1 ? " " + (place + 1) : "";
    panels.push(textPanel("A right answer" + number, text, "nothing", "reference"));
  });
  shown.outputs.forEach((text, place) => {
    const title = one ? "Output to judge" : "Output " + (place + 1);
    panels.push(textPanel(title, text, "the model wrote nothing", "output"));
  });
  part("texts").replaceChildren(...panels);
  part("instructions").textContent = shown.instructions;
  part("instructions").hidden = !shown.instructions;
}

function drawOption(control, option) {
  const label = make("label", "option");
  const radio = make("input");
  radio.type = "radio";
  radio.name = "tandem-" + control.name;
  radio.value = option.value;
  radio.checked = values[control.name] === option.value;
  const number = make("span", "number", option.key);
  label.append(radio, number, make("span", "anchor", option.label));
  return label;
}

function drawChoice(control, place) {
  const group = make("fieldset", "criterion");
  group.tabIndex = -1;
  group.append(make("legend", "", control.question));
  if (control.definition) {
    const definition = make("p", "definition", control.definition);
    definition.id = "tandem-definition-" + place;
    group.setAttribute("aria-describedby", definition.id);
    group.append(definition);
  }
  const labels = control.options.filter((option) => option.label).length;
  const form = labels === control.options.length ? "list" : labels ? "scale anchored" : "scale";
  const options = make("div", "options " + form);
  options.append(...control.options.map((option) => drawOption(control, option)));
  group.append(options);
  group.addEventListener("focusin", () => activate(place));
  group.addEventListener("change", (event) => {
    const chosen = control.options.find((option) => String(option.value) === event.target.value);
    values[control.name] = chosen.value;
    part("problem").hidden = true;
    writeDraft();
  });
  group.addEventListener("click", (event) => {
    // Arrow keys click too, with no detail; only a pointer goes on by itself.
    if (event.target.matches("input") && event.detail > 0) activate(firstUnanswered(place));
  });
  return group;
}

const DRAW = { choice: drawChoice };

function groups() {
  return [...part("controls").querySelectorAll(".criterion")];
}

function activate(place) {
  active = place;
  groups().forEach((group, other) => group.classList.toggle("active", other === place));
}

function answered(place) {
  return values[screen.shown.controls[place].name] !== undefined;
}

function firstUnanswered(after) {
  const count = screen.shown.controls.length;
  for (let step = 1; step <= count; step += 1) {
    const place = (after + step) % count;
    if (!answered(place)) return place;
  }
  return after;
}

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
  say(screen.notice, screen.problem);
  if (!shown) return drawEnd();
  if (shown.token === before && screen.problem) return;
  drawShown(shown);
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
  const { done, left, seconds_left: seconds } = screen;
  const share = done + left ? Math.round((100 * done) / (done + left)) : 100;
  part("meter").setAttribute("aria-valuenow", share);
  part("meter-fill").style.width = share + "%";
  const time = seconds === null || !left ? "" : " · about " + inWords(seconds);
  part("where").textContent = done + " rated · " + left + " left" + time;
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

// Talking to the server

async function ask(name, message) {
  if (busy) return;
  busy = true;
  part("root").classList.add("busy");
  part("status").classList.remove("good");
  part("status").textContent = name === "current" ? "" : "Saving…";
  // It gives nothing where the server cannot be reached or fails.
  const reply = await server[name](message).catch(() => undefined);
  busy = false;
  part("root").classList.remove("busy");
  if (reply?.screen) {
    if (message.token && !reply.screen.problem) dropDrafts(message.token);
    return draw(reply.screen);
  }
  say("", reply?.error ?? GONE + (await whyNoReply()));
}

async function whyNoReply() {
  try {
    const reply = await fetch(new URL("../session", location.href), { cache: "no-store" });
    if (reply.status === 401) return "you are signed out. Open your link again.";
    return "the server could not do it. Load the page again; what you entered is kept.";
  } catch {
    return "the server cannot be reached. Try again in a moment.";
  }
}

function submit() {
  if (!screen?.shown || busy) return;
  const missing = screen.shown.controls.findIndex((_, place) => !answered(place));
  if (missing >= 0) {
    say("", "Still to answer: " + screen.shown.controls[missing].question);
    focusGroup(missing);
    return;
  }
  writeDraft();
  ask("submit", {
    token: screen.shown.token,
    values,
    comment: part("comment").value,
    seconds: secondsLooked(),
  });
}

function undo() {
  if (screen?.can_undo) ask("undo", {});
}

async function leave() {
  await fetch(new URL("../leave", location.href), { method: "POST" });
  location.href = new URL("..", location.href);
}

// Keys and buttons

function focusGroup(place) {
  // Not its first answer: a mark around one of them would be a suggestion.
  const group = groups()[place];
  (group.querySelector("input:checked") ?? group).focus();
}

function enterGroup(event) {
  const arrow = ["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"].includes(event.key);
  if (!arrow || !event.target.matches?.(".criterion")) return false;
  event.target.querySelector("input").focus();
  return true;
}

function chooseByKey(key) {
  const control = screen.shown.controls[active];
  const option = control.options.find((candidate) => candidate.key === key);
  if (!option) return false;
  values[control.name] = option.value;
  groups()[active].querySelectorAll("input").forEach((radio) => {
    radio.checked = radio.value === String(option.value);
  });
  part("problem").hidden = true;
  writeDraft();
  const next = firstUnanswered(active);
  if (answered(next)) part("submit").focus();
  else focusGroup(next);
  return true;
}

function pressed(event) {
  // By place on the keyboard: digits need the shift key on some layouts.
  return /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? event.key;
}

const COMMANDS = {
  u: undo,
  s: () => screen?.shown && part("skip").showModal(),
  c: () => screen?.shown && part("comment").focus(),
  "?": () => part("help").showModal(),
};

function onKey(event) {
  if (event.isComposing || event.altKey) return;
  const { target } = event;
  if (target === part("comment")) {
    if (event.key === "Escape") target.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
    return;
  }
  if (event.ctrlKey || event.metaKey) return;
  if (part("help").open) {
    if (event.key === "?") part("help").close();
    return;
  }
  if (part("skip").open) return onSkipKey(event);
  if (enterGroup(event) || handled(event)) event.preventDefault();
}

function handled(event) {
  const key = pressed(event);
  const command = COMMANDS[key.toLowerCase()];
  const button = event.target.closest?.("button");
  const enter = key === "Enter" && (!button || button === part("submit"));
  const digit = /^\d$/.test(key) && Boolean(screen?.shown);
  if (!command && !enter && !digit) return false;
  // A key that is held down must not rate one output after the other.
  if (event.repeat || busy) return true;
  if (digit) return chooseByKey(key);
  if (enter) submit();
  else command();
  return true;
}

function onSkipKey(event) {
  const radios = [...part("skip").querySelectorAll("input")];
  const radio = radios[Number(pressed(event)) - 1];
  if (!radio) return;
  radio.checked = true;
  radio.focus();
  event.preventDefault();
}

document.addEventListener("keydown", onKey);
part("comment").addEventListener("input", writeDraft);
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
part("skip").addEventListener("close", () => {
  const reason = part("skip").querySelector("input:checked").value;
  if (part("skip").returnValue === "skip") {
    ask("skip", { token: screen.shown.token, reason });
  }
  part("skip").returnValue = "";
});
const BUTTONS = {
  undo,
  leave,
  skip: COMMANDS.s,
  help: COMMANDS["?"],
  reload: () => ask("current", {}),
};
element.addEventListener("click", (event) => {
  const name = event.target.closest("[data-do]")?.dataset.do;
  if (name) BUTTONS[name]();
});

ask("current", {});
