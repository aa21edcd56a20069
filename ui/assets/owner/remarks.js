// Remarks: comments, skips and flags

const MOST = 50;
let older = [];
let whole = {};

async function showRemarks() {
  const reply = await ask("ask_remarks", { flagged_only: part("flagged").checked });
  if (!reply) return;
  const newest = reply.remarks;
  const end = newest.at(-1)?.newest ?? 0;
  drawRemarks([...newest, ...older.filter((one) => one.newest < end)]);
  if (!older.length) part("older").hidden = newest.length < MOST;
}

async function showOlder() {
  const last = part("remarks").lastElementChild.dataset.newest;
  const message = { flagged_only: part("flagged").checked, before: Number(last) };
  const reply = await ask("ask_remarks", message);
  if (!reply) return;
  older.push(...reply.remarks);
  part("older").hidden = reply.remarks.length < MOST;
  showRemarks();
}

function drawRemarks(found) {
  if (!found.length) {
    return draw("remarks", make("p", "hint", part("flagged").checked
      ? "Nobody has flagged anything." : "Nobody has remarked anything yet."));
  }
  draw("remarks", ...found.map((one) => remark(whole[one.assignment] ?? one)));
}

function remark(one) {
  const marks = [];
  if (one.flagged) marks.push(make("span", "mark flagged", "flagged"));
  if (one.skipped) marks.push(make("span", "mark", "skipped"));
  if (one.kind !== "normal") marks.push(make("span", "mark", one.kind));
  const who = make("b", "", one.rater);
  who.dir = "auto";
  const head = make("p", "facts", who, " · " + clock(one.created) + " · " + one.campaign, ...marks);
  const comment = make("p", "said", one.comment || "No comment");
  comment.dir = "auto";
  if (!one.comment) comment.classList.add("nothing");
  const panel = make("article", "panel remark", head, comment);
  if (one.answers.length) panel.append(make("p", "hint", one.answers.join(" · ")));
  panel.append(excerpt("Prompt", one.prompt));
  one.outputs.forEach((text, place) => panel.append(
    excerpt(outputName(one.outputs, place), text)));
  if ([one.prompt, ...one.outputs].some((text) => text.hidden)) {
    panel.append(act("whole", "Show it whole", { assignment: one.assignment }));
  }
  panel.dataset.key = "remark-" + one.assignment;
  panel.dataset.newest = one.newest;
  return panel;
}

function excerpt(title, one) {
  const name = make("h3", "", title);
  if (one.checkpoint) name.append(" ", make("span", "label", one.checkpoint));
  const text = make("div", "text", one.text + (one.hidden ? "…" : ""));
  text.dir = "auto";
  text.tabIndex = 0;
  if (!one.text.trim()) text.replaceChildren(make("span", "nothing", "(nothing)"));
  const box = make("div", "excerpt", name, text);
  if (one.hidden) box.append(make("p", "hint", one.hidden + " more letters"));
  return box;
}

async function showWhole(assignment) {
  const reply = await ask("ask_remark", { assignment });
  if (reply?.remark) whole[assignment] = reply.remark;
  showRemarks();
}
