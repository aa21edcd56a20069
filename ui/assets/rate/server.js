// Talking to the server

async function request(name, message, meanwhile) {
  if (busy) return undefined;
  busy = true;
  part("root").classList.add("busy");
  part("status").classList.remove("good");
  part("status").textContent = meanwhile;
  // It gives nothing where the server cannot be reached or fails.
  const reply = await server[name](message).catch(() => undefined);
  busy = false;
  part("root").classList.remove("busy");
  const problem = reply ? reply.error : GONE + (await whyNoReply());
  say("", problem);
  return reply;
}

async function ask(name, message, meanwhile = name === "current" ? "" : "Saving…") {
  const reply = await request(name, message, meanwhile);
  if (!reply?.screen) return;
  if (message.token && name !== "reopen" && !reply.screen.problem) dropDrafts(message.token);
  draw(reply.screen);
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
  const place = screen.shown.controls.findIndex((_, number) => missing(number));
  if (place >= 0) {
    say("", "Still to answer: " + screen.shown.controls[place].question);
    focusGroup(place);
    return;
  }
  writeDraft();
  ask("submit", {
    token: screen.shown.token,
    values,
    comment: part("comment").value,
    flagged: part("flag").checked,
    seconds: secondsLooked(),
  });
}

function undo() {
  if (screen?.last) ask("undo", { token: screen.last });
}

async function leave() {
  try {
    await fetch(new URL("../leave", location.href), { method: "POST" });
    rememberReopened("");
    location.href = new URL("..", location.href);
  } catch {
    say("", "You are still signed in: the server cannot be reached. Try again in a moment.");
  }
}
