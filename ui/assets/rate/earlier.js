// Earlier answers: a list to choose from, and one of them opened again

async function openEarlier() {
  if (busy) return;
  const reply = await request("earlier", {}, "");
  if (!reply?.earlier) return;
  const entries = reply.earlier.map(drawEntry);
  part("earlier-list").replaceChildren(...entries);
  part("earlier-none").hidden = entries.length > 0;
  part("earlier").showModal();
  entries[0]?.firstChild.focus();
}

function drawEntry({ token, prompt, said, at }) {
  const entry = make("li");
  const button = make("button", "entry");
  const beginning = make("span", "prompt");
  beginning.dir = "auto";
  beginning.append(...boxed(prompt));
  button.type = "button";
  button.append(beginning, make("span", "said", said.join(" · ")), make("time", "", inTime(at)));
  button.addEventListener("click", () => {
    part("earlier").close();
    if (!screen.reopened || screen.shown.token !== token) ask("reopen", { token }, "");
  });
  entry.append(button);
  return entry;
}

function inTime(at) {
  const time = new Date(at);
  const clock = { hour: "2-digit", minute: "2-digit" };
  const today = time.toDateString() === new Date().toDateString();
  return time.toLocaleString([], today ? clock : { ...clock, day: "numeric", month: "short" });
}

function onEarlierKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...part("earlier-list").querySelectorAll("button")];
  const next = buttons.indexOf(document.activeElement) + step;
  buttons[Math.max(0, Math.min(buttons.length - 1, next))]?.focus();
  event.preventDefault();
}

// What was changed and not saved is forgotten; the answer counts as it was.
function leaveReopened() {
  if (!screen?.reopened) return;
  dropDrafts(screen.shown.token);
  ask("current", {});
}
