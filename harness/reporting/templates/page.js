"use strict";
(() => {
  const SPREAD = 0.015;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const config = { displayModeBar: false, showTips: false };
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const translucent = (hex) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${red},${green},${blue},0.16)`;
  };

  const themed = (figure) => {
    const ink = colour("--ink");
    const muted = colour("--muted");
    const rule = colour("--rule");
    for (const trace of figure.data) {
      const own = trace.meta.role === "people" ? ink : colour(`--s${trace.meta.series % 6}`);
      if (trace.meta.role === "band") trace.fillcolor = translucent(own);
      if (trace.line) trace.line.color = own;
      if (trace.marker) trace.marker.color = own;
      if (trace.error_y) trace.error_y.color = own;
    }
    const layout = figure.layout;
    layout.font = { ...layout.font, color: muted, family: getComputedStyle(document.body).fontFamily };
    layout.hoverlabel = {
      ...layout.hoverlabel,
      bgcolor: colour("--raised"), bordercolor: rule, font: { color: ink, size: 12 },
    };
    for (const axis of ["xaxis", "yaxis"]) {
      layout[axis] = {
        ...layout[axis],
        gridcolor: rule, linecolor: rule, tickcolor: rule, tickfont: { color: muted },
      };
    }
    return figure;
  };

  // A browser lays the page out for paper only after the figures have their size.
  const PAPER = { panel: 210, tall: 620 };

  const draw = (printing = false) => {
    for (const [id, figure] of Object.entries(figures)) {
      const place = document.getElementById(id);
      const { data, layout } = themed(figure);
      const kind = place.classList.contains("tall") ? "tall" : "panel";
      layout.width = printing ? PAPER[kind] : place.clientWidth;
      layout.height = place.clientHeight;
      Plotly.react(place, data, layout, config);
    }
  };

  const extent = (traces) => {
    const known = traces.flat().filter((value) => value !== null);
    return known.length ? Math.max(...known) - Math.min(...known) : 0;
  };

  const choose = (id) => {
    const figure = figures[id];
    const [x, y] = ["x", "y"].map(
      (axis) => document.querySelector(`select[data-for="${id}"][data-axis="${axis}"]`).value,
    );
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
    figure.layout.xaxis = { ...figure.layout.xaxis, title: { ...figure.layout.xaxis.title, text: escaped(figure.labels[x]) }, range: undefined, autorange: true };
    figure.layout.yaxis = { ...figure.layout.yaxis, title: { text: escaped(y) }, range: undefined, autorange: true };
    draw();
  };

  for (const select of document.querySelectorAll("select[data-for]")) {
    select.addEventListener("change", () => choose(select.dataset.for));
  }
  dark.addEventListener("change", () => draw());
  addEventListener("resize", () => draw());
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw());
  draw();
})();
