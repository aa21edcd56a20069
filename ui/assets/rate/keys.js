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
  e: openEarlier,
  r: toggleWritten,
  d: toggleDifferences,
  s: () => screen?.shown && !screen.reopened && part("skip").showModal(),
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
  if (part("earlier").open) return onEarlierKey(event);
  if (part("feedback").open) return;
  if (event.key === "Escape") return leaveReopened();
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
  if (name) BUTTONS[name]();
});

ask("current", {});
