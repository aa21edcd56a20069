"use strict";
// What stands behind the points, and which metric's disagreements are shown. Texts of
// models and data only ever pass through textContent.
(() => {
  const SPREAD = 0.025;
  const { figures, draw } = page;
  const outputs = JSON.parse(document.getElementById("outputs").textContent);
  const chosen = {};

  const axis = (id, name) =>
    document.querySelector(`select[data-for="${id}"][data-axis="${name}"]`).value;

  const extent = (traces) => {
    const known = traces.flat().filter((value) => value !== null);
    return known.reduce((most, value) => Math.max(most, value), -Infinity) -
      known.reduce((least, value) => Math.min(least, value), Infinity);
  };

  const choose = (id) => {
    const figure = figures[id];
    const [x, y] = [axis(id, "x"), axis(id, "y")];
    const columns = [figure.metrics[x], figure.criteria[y]];
    const spread = columns.map((column) => SPREAD * extent(column));
    figure.data.forEach((trace, place) => {
      const moved = columns.map((column, axis) =>
        column[place].map((value, row) =>
          value === null ? null : value + spread[axis] * figure.jitter[place][row][axis]));
      [trace.x, trace.y] = moved;
      trace.customdata = columns[0][place].map((value, row) => [value, columns[1][place][row]]);
    });
    // Plotly reads a little HTML in titles, so that names are escaped for it.
    const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
    const { xaxis, yaxis } = figure.layout;
    figure.layout.xaxis = { ...xaxis, title: { ...xaxis.title, text: escaped(figure.labels[x]) }, range: undefined, autorange: true };
    figure.layout.yaxis = { ...yaxis, title: { ...yaxis.title, text: escaped(y) }, range: undefined, autorange: true };
    if (chosen[id]) open(id, chosen[id]);
    else draw(id);
  };

  // Points that are drawn, from left to right and then upwards.
  const inOrder = (id) => {
    const { data } = figures[id];
    return data
      .flatMap((trace, place) => trace.x.map((_, row) => [place, row]))
      .filter(([place, row]) => data[place].x[row] !== null && data[place].y[row] !== null)
      .sort(([p, r], [q, s]) => data[p].x[r] - data[q].x[s] || data[p].y[r] - data[q].y[s]);
  };

  const step = (id, by) => {
    const points = inOrder(id);
    if (!points.length) return;
    const [place, row] = chosen[id] ?? [];
    const at = points.findIndex(([p, r]) => p === place && r === row);
    const next = at < 0 ? (by > 0 ? 0 : points.length - 1) : at + by;
    open(id, points[(next + points.length) % points.length]);
  };

  const make = (tag, className, ...inside) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...inside);
    return node;
  };

  const said = (value) => String(Number(value.toPrecision(4))).replace("-", "−");

  const texts = (known, point) => {
    const list = make("dl", "");
    const add = (title, number, className = "") => {
      const text = make("dd", className, known[number] || "(nothing)");
      text.dir = "auto";
      list.append(make("dt", "", title), text);
    };
    add("Prompt", point.prompt);
    for (const number of point.references) add("Reference", number);
    add("Output", point.output, "output");
    return list;
  };

  const line = (name, value, isChosen, note = "") => {
    const head = make("th", "", name);
    head.scope = "row";
    return make("tr", isChosen ? "chosen" : "", head, make("td", "", said(value), note && make("small", "", note)));
  };

  const judged = (id, [place, row], point) => {
    const figure = figures[id];
    const lines = [];
    for (const [name, column] of Object.entries(figure.criteria)) {
      const given = (point.given[name] ?? []).map(([rater, value]) => `${rater}: ${said(value)}`);
      if (column[place][row] !== null) {
        lines.push(line(name, column[place][row], name === axis(id, "y"), given.join(", ")));
      }
    }
    for (const [signature, column] of Object.entries(figure.metrics)) {
      if (column[place][row] !== null) {
        lines.push(line(figure.labels[signature], column[place][row], signature === axis(id, "x")));
      }
    }
    return make("table", "", make("tbody", "", ...lines));
  };

  const open = (id, at) => {
    const [place, row] = chosen[id] = at;
    const figure = figures[id];
    const point = outputs[id].traces[place][row];
    const panel = document.querySelector(`[data-opens="${id}"]`);
    const sample = point.sample ? `, sample ${point.sample}` : "";
    panel.querySelector(".shown").replaceChildren(
      make("h4", "", `${point.checkpoint} · item ${point.item}${sample}`),
      texts(outputs[id].texts, point),
      judged(id, at, point),
    );
    panel.querySelector(".shown").scrollTop = 0;
    const points = inOrder(id);
    const number = points.findIndex(([p, r]) => p === place && r === row);
    panel.querySelector(".count").textContent =
      number < 0 ? "" : `${number + 1} of ${points.length}`;
    const [x, y] = [figure.data[place].x[row], figure.data[place].y[row]];
    figure.layout.shapes = number < 0 ? [] : [{
      type: "circle", xsizemode: "pixel", ysizemode: "pixel", xanchor: x, yanchor: y,
      x0: -9, x1: 9, y0: -9, y1: 9, line: { width: 2.5 },
    }];
    draw(id);
  };

  for (const select of document.querySelectorAll("select[data-for]")) {
    select.addEventListener("change", () => choose(select.dataset.for));
  }
  for (const id of Object.keys(outputs)) {
    document.getElementById(id).on("plotly_click", ({ points: [point] }) =>
      open(id, [point.curveNumber, point.pointIndex]));
    for (const button of document.querySelectorAll(`[data-opens="${id}"] [data-step]`)) {
      button.addEventListener("click", () => step(id, Number(button.dataset.step)));
    }
  }
  for (const select of document.querySelectorAll("select[data-shows]")) {
    const show = () => document.querySelectorAll(`.${select.dataset.shows}`).forEach(
      (one, place) => { one.hidden = place !== Number(select.value); });
    select.addEventListener("change", show);
    show();
  }
  // On paper nothing can be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.fold:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));
})();
