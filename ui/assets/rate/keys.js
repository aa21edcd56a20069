// Keys and buttons

function enterGroup(event) {
  const arrow = ["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"].includes(event.key);
  if (!arrow || !event.target.matches?.(".criterion, .rank-row")) return false;
  event.target.querySelector("input")?.focus();
  return true;
}

function enter() {
  if (!screen?.shown) return;
  const next = firstMissing(active);
  if (!missing(active) && missing(next)) focusGroup(next);
  else submit();
}

function flag() {
  if (!screen?.shown) return;
  part("flag").checked = !part("flag").checked;
  writeDraft();
}

function backToText() {
  const place = screen?.shown?.controls.findIndex(({ kind }) => kind === "spans") ?? -1;
  if (place >= 0) focusGroup(place);
}

function openSkip() {
  if (!screen?.shown || screen.reopened) return;
  // The reason for the one before is not the reason for this one.
  part("skip-form").reset();
  part("skip").showModal();
}

function openHelp() {
  part("help").showModal();
  // Its button has the focus, which on a small screen lies below all keys.
  part("help").scrollTop = 0;
}

function pressed({ key, code }) {
  // Not a name, as `Home` on a number pad, nor what the help itself is called by.
  if (key.length > 1 || key === "?") return key;
  // By place on the keyboard: digits need the shift key on some layouts, and others
  // have no Latin letters.
  const [, digit, letter] = /^(?:Digit|Numpad)(\d)$|^Key([A-Z])$/.exec(code) ?? [];
  return digit ?? (key > "\x7f" ? letter : undefined) ?? key;
}

const COMMANDS = {
  u: undo,
  e: openEarlier,
  r: toggleWritten,
  d: toggleDifferences,
  s: openSkip,
  f: flag,
  m: backToText,
  c: () => screen?.shown && part("comment").focus(),
  "?": openHelp,
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
  if (part("earlier").open) return onEarlierKey(event);
  if (part("feedback").open) return;
  if (event.key === "Escape") return leaveReopened();
  if (enterGroup(event) || handled(event)) event.preventDefault();
}

function handled(event) {
  const key = pressed(event);
  const command = COMMANDS[key.toLowerCase()];
  const button = event.target.closest?.("button");
  const isEnter = key === "Enter" && (!button || button === part("submit"));
  const digit = /^\d$/.test(key) && Boolean(screen?.shown);
  if (!command && !isEnter && !digit) return false;
  // A key that is held down must not rate one output after the other.
  if (event.repeat || busy) return true;
  if (digit) widget(active).press(key, screen.shown.controls[active], groups()[active]);
  else if (isEnter) enter();
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
part("flag").addEventListener("change", writeDraft);
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
  written: toggleWritten,
  compare: toggleDifferences,
  earlier: openEarlier,
  back: leaveReopened,
  skip: COMMANDS.s,
  help: COMMANDS["?"],
  reload: () => ask("current", {}),
};
element.addEventListener("click", (event) => {
  const name = event.target.closest("[data-do]")?.dataset.do;
  // The second click of two was not meant for what the first one brought.
  if (name && event.detail < 2) BUTTONS[name]();
});

if (lastReopened()) ask("reopen", { token: lastReopened() }, "");
else ask("current", {});
