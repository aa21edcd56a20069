// The report: made on the server by a process of its own, opened in a window of its own
const FORMS = { html: "HTML", md: "Markdown", json: "JSON", csv: "CSV", heds: "Datasheet" };
const SOON = 1000;

let waiting;

async function showReport() {
  const reply = await ask("ask_report");
  if (!reply) return;
  const nothing = !reply.made && reply.making === null && !reply.problem;
  if (nothing) await makeReport();
  else drawReport(reply);
}

async function makeReport() {
  const reply = await ask("make_report");
  if (reply) drawReport(reply);
}

function drawReport({ made, making, problem }) {
  draw("report",
    make("h2", "", "Metrics and raters, side by side"),
    ...(made ? reportMade(made) : []),
    make("p", "row", ...reportActs(made, making)),
    ...(made ? [make("p", "row", "Download ", ...reportFiles(made))] : []),
    make("p", problem ? "warning" : "hint", problem ? "No report: " + problem :
      "The report names checkpoints: keep it from raters."));
  clearTimeout(waiting);
  if (making !== null) waiting = setTimeout(() => tab === "report" && showReport(), SOON);
}

function reportMade(made) {
  const said = made.tasks.flatMap(({ task, verdict: [first, ...others] }) => [
    make("p", "said", make("b", "", task + ". "), first),
    ...others.map((sentence) => make("p", "said", sentence)),
  ]);
  const { answers_since: answers, changed } = made;
  const since = answers ? answers + (answers === 1 ? " answer" : " answers") + " since." :
    changed ? "Outputs or scores have changed since." : "Nothing has changed since.";
  return [...said, make("p", "facts", "As of ", make("b", "", clock(made.at)), ". " + since)];
}

function reportFiles(made) {
  return made.forms.map((form) => {
    const link = make("a", "quiet", FORMS[form] ?? form);
    Object.assign(link, { href: "report/" + form, download: "" });
    return link;
  });
}

function reportActs(made, making) {
  const acts = [];
  if (made) acts.push(opens("report", "primary", "Open the report"));
  if (made?.samples) acts.push(opens("samples", "quiet", "How outputs changed"));
  if (making === null) acts.push(act("report", made ? "Make again" : "Try again"));
  else {
    const seconds = Math.round(making);
    const text = made ? "A newer one is being made" : "The report is being made";
    acts.push(make("span", "hint", text + ": " + seconds + " s. Raters can go on meanwhile."));
  }
  return acts;
}

function opens(href, className, text) {
  const link = make("a", className, text);
  return Object.assign(link, { href, target: "_blank", rel: "noopener" });
}
