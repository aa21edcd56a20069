// Ranks: a row of radio buttons for each output, and equal ranks are ties

let rankRow = 0;

const RANKING = {
  keys: [
    ["1 – 5", "give the marked output its rank and go on to the next"],
    ["Tab Shift+Tab", "move between outputs, to change a rank"],
  ],
  draw(control, group) {
    const count = screen.shown.outputs.length;
    const hint = "1 is the best, equal ranks are ties.";
    const definition = group.querySelector(".definition");
    if (definition) definition.append(" ", hint);
    else group.append(definitionOf(group, hint));
    const rows = make("div", "ranks");
    for (let at = 0; at < count; at += 1) rows.append(drawRanks(control, group, at, count));
    group.append(rows);
  },
  full: (ranks) => Array.isArray(ranks) && ranks.every((rank) => rank !== null),
  begin(group, control) {
    markRow(group, Math.max(0, ranksOf(control).indexOf(null)));
  },
  focus(group, control) {
    RANKING.begin(group, control);
    const marked = group.querySelector(".marked");
    (marked.querySelector("input:checked") ?? marked).focus();
  },
  press(key, control, group) {
    const radio = group.querySelectorAll(".rank-row")[rankRow].querySelector(`[value="${key}"]`);
    if (!radio) return;
    radio.checked = true;
    giveRank(control, rankRow, Number(key));
    if (RANKING.full(values[control.name])) goOn();
    else RANKING.focus(group, control);
  },
};

function ranksOf(control) {
  return values[control.name] ?? screen.shown.outputs.map(() => null);
}

function giveRank(control, at, rank) {
  give(control, ranksOf(control).with(at, rank));
}

function markRow(group, at) {
  rankRow = at;
  group.querySelectorAll(".rank-row").forEach((other, number) => {
    other.classList.toggle("marked", number === at);
  });
}

function drawRanks(control, group, at, count) {
  const ranks = make("fieldset", "rank-row");
  ranks.tabIndex = -1;
  const legend = make("legend");
  legend.append(make("span", "unseen", "Output "), letter(at));
  ranks.append(legend);
  for (let rank = 1; rank <= count; rank += 1) {
    const option = drawOption(control, { value: rank, key: rank, label: "" });
    const radio = option.querySelector("input");
    radio.name += "-" + at;
    radio.checked = ranksOf(control)[at] === rank;
    ranks.append(option);
  }
  ranks.addEventListener("focusin", () => markRow(group, at));
  ranks.addEventListener("change", (event) => giveRank(control, at, Number(event.target.value)));
  return ranks;
}
