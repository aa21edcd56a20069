// Progress: how each campaign and checkpoint stands

async function showStanding() {
  const reply = await ask("ask_standing");
  if (!reply) return;
  part("simulated").hidden = !reply.campaigns.some((one) => one.simulated);
  const time = new Date(reply.at);
  part("status").textContent =
    "as of " + two(time.getHours()) + ":" + two(time.getMinutes()) + ":" + two(time.getSeconds());
  draw("standing", ...reply.campaigns.map(campaignPanel));
  await showQuestions();
}

function campaignPanel(one) {
  const whole = one.answers + one.missing;
  const share = whole ? one.answers / whole : 0;
  const meter = make("div", "meter", make("span"));
  meter.firstChild.style.width = 100 * share + "%";
  const facts = make("p", "facts",
    make("b", "", one.finished + " of " + one.units),
    " units finished, " + one.answers + " answers of " + whole);
  facts.append(one.missing === 0 && whole ? " · done" : one.per_hour === null
    ? " · no answer in the last half hour"
    : " · " + one.per_hour.toFixed(0) + " an hour, " + span(one.seconds_left) + " to go");
  const panel = make("section", "panel campaign",
    make("h2", "", one.name, make("span", "hint", one.scheme + ", " +
      one.raters_per_unit + (one.raters_per_unit === 1 ? " rater" : " raters") + " each")),
    meter, facts, standings(one));
  panel.dataset.key = one.name;
  return panel;
}

function standings(one) {
  const waves = one.checkpoints.some((row) => row.wave > 1);
  const steps = one.checkpoints.some((row) => row.step !== null);
  const columns = [
    "Checkpoint", ...(steps ? ["Step"] : []), ...(waves ? ["Wave"] : []), "Units",
  ];
  const rows = one.checkpoints.map((row) => {
    const rated = Object.fromEntries(row.rated.map((cell) => [cell.criterion, cell]));
    return [
      row.checkpoint,
      make("span", "label", row.checkpoint),
      ...(steps ? [row.step ?? "–"] : []),
      ...(waves ? [row.wave] : []),
      row.finished + " of " + row.units,
      ...one.criteria.map((name) => meanCell(rated[name], one)),
    ];
  });
  const alpha = Object.fromEntries(one.agreement.map((row) => [row.criterion, row.alpha]));
  const label = make("span", "", "Agreement", make("small", "", "Krippendorff's α"));
  const foot = [label, ...columns.slice(1).map(() => ""),
    ...one.criteria.map((name) => alphaCell(alpha[name]))];
  const said = one.comparing ? "win rate" : one.scale[0] + "–" + one.scale[1];
  const criteria = one.criteria.map((name) => make("span", "", name, make("small", "", said)));
  return table([...columns, ...criteria], rows, foot);
}

function meanCell(rated, one) {
  if (!rated) return nothing("not rated yet");
  const { value, low, high, method } = rated.estimate;
  const shown = (number) => one.comparing ? Math.round(100 * number) + " %" : rounded(number);
  const cell = make("div", "figure", make("b", "", shown(value)));
  if (low !== null) {
    const bare = (number) => one.comparing ? Math.round(100 * number) : rounded(number);
    cell.append(make("span", "interval", "[" + bare(low) + ", " + bare(high) + "]"));
    cell.append(line(value, low, high, one.scale));
  }
  const n = rated.ratings + (one.comparing ? " comparisons" : " ratings");
  cell.append(make("small", "", n));
  cell.title = method;
  return cell;
}

function line(value, low, high, [from, to]) {
  const at = (number) => 100 * (number - from) / (to - from);
  const whole = make("span", "axis", make("i"), make("b"));
  whole.setAttribute("aria-hidden", "true");
  whole.firstChild.style.left = at(low) + "%";
  whole.firstChild.style.width = at(high) - at(low) + "%";
  whole.lastChild.style.left = at(value) + "%";
  return whole;
}

function alphaCell(estimate) {
  if (!estimate || estimate.value === null) {
    return nothing((estimate?.method ?? "undefined: none").replace("undefined: ", ""));
  }
  const cell = make("div", "figure", make("b", "", rounded(estimate.value)));
  if (estimate.low !== null) {
    const ends = rounded(estimate.low) + ", " + rounded(estimate.high);
    cell.append(make("span", "interval", "[" + ends + "]"));
  }
  cell.append(make("small", "", estimate.n + " units by two or more"));
  cell.title = estimate.method;
  return cell;
}

const nothing = (why) => make("div", "figure none", "–", make("small", "", why));
