// Raters: who takes part, and their links

let sure = null;

async function showRaters() {
  const reply = await ask("ask_raters");
  if (!reply) return;
  if (!reply.raters.length) {
    return draw("raters", make("p", "hint", "Nobody has been invited yet."));
  }
  const links = table(
    ["Rater", "Rated", "Skipped", "Last seen", "Links", "Signed in", ""],
    reply.raters.map((one) => [
      "rater-" + one.id,
      raterName(one),
      one.rated,
      one.skipped,
      one.last_seen ? clock(one.last_seen) : "never",
      one.links || "none",
      one.sessions || "no",
      make("span", "row", act("link", "New link", { name: one.name }), revokeButton(one)),
    ]));
  draw("raters", links, ...reply.quality.filter((one) => one.raters.length).flatMap(qualityOf));
}

function qualityOf(one) {
  const rows = one.raters.map((rater) => [
    rater.rater,
    warned(rater),
    rater.rated,
    rater.flagged,
    rater.seconds === null ? "–" : rater.seconds.toFixed(1) + " s",
    estimated(rater.agreement),
    estimated(rater.severity),
    passed(rater.gold),
    rater.repeats.same === null ? "–"
      : Math.round(100 * rater.repeats.same) + " % of " + rater.repeats.shown,
    passed(rater.degraded),
    rater.longest_run,
  ]);
  const head = ["Rater", "Rated", "Flagged", "Median time", noted("Agreement", "with the others"),
    noted("Severity", "below 0 is stricter"), noted("Gold", "right"), noted("Repeats", "same again"),
    noted("Damaged", "rated lower"), noted("Longest run", "of one answer")];
  const parts = [make("h2", "over", "Quality in " + one.campaign), table(head, rows)];
  if (one.drift.length) {
    parts.push(make("h2", "over", "Drift between waves of " + one.campaign),
      table(["Criterion", "Wave", "Later minus earlier", "p"], one.drift.map((row) => [
        row.criterion + row.wave, row.criterion, row.wave, estimated(row.difference),
        row.p === null ? "–" : row.p.toFixed(3)])));
  }
  return parts;
}

const noted = (name, note) => make("span", "", name, make("small", "", note));

const passed = (check) => check.shown ? check.hits + " of " + check.shown : "–";

function warned(rater) {
  const name = make("span", "label", rater.rater);
  name.dir = "auto";
  return make("div", "", name, ...rater.warnings.map((text) => make("small", "warning", text)));
}

function estimated(estimate) {
  if (estimate.value === null) return "–";
  const cell = make("div", "figure", make("b", "", rounded(estimate.value)));
  if (estimate.low !== null) {
    const ends = rounded(estimate.low) + ", " + rounded(estimate.high);
    cell.append(make("span", "interval", "[" + ends + "]"));
  }
  cell.title = estimate.method;
  return cell;
}

function raterName(one) {
  const name = make("span", "label", one.name);
  name.dir = "auto";
  if (one.kind !== "person") name.append(make("small", "", one.kind));
  return name;
}

function revokeButton(one) {
  const asked = sure === one.id;
  const button = act("revoke", asked ? "Really revoke" : "Revoke", { rater: one.id });
  button.disabled = !one.links && !one.sessions;
  if (asked) button.classList.add("danger");
  return button;
}

async function makeLink(name) {
  const reply = await ask("make_link", { name });
  if (!reply) return;
  part("name").value = "";
  part("made-for").textContent = name;
  part("made-link").textContent = new URL("../i/" + reply.invite, location.href).href;
  part("made").hidden = false;
  showRaters();
}

async function revoke(rater) {
  if (sure !== rater) {
    sure = rater;
    setTimeout(() => { sure = null; if (tab === "raters") showRaters(); }, 6000);
  } else {
    sure = null;
    await ask("revoke_rater", { rater });
    part("made").hidden = true;
  }
  showRaters();
}

async function copyLink() {
  const link = part("made-link");
  getSelection().selectAllChildren(link);
  // Browsers give it only to pages behind TLS or of this machine; else it is marked.
  await navigator.clipboard?.writeText(link.textContent).catch(() => undefined);
}
