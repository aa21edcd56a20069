"use strict";
// Draws the figures in the page's colours; what they open is in outputs.js.
const page = (() => {
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
    for (const ring of layout.shapes ?? []) {
      if (ring.type === "circle") ring.line.color = ink;
    }
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis/.test(key))) {
      layout[axis] = {
        ...layout[axis],
        gridcolor: rule, linecolor: rule, tickcolor: rule, tickfont: { color: muted },
      };
    }
    return figure;
  };

  // A browser lays the page out for paper only after the figures have their size.
  const PAPER = { panel: [210, 170], tall: [620, 400], losses: [620, 560] };

  const draw = (id, printing = false) => {
    const place = document.getElementById(id);
    const { data, layout } = themed(figures[id]);
    const kind = ["losses", "tall"].find((name) => place.classList.contains(name)) ?? "panel";
    [layout.width, layout.height] =
      printing ? PAPER[kind] : [place.clientWidth, place.clientHeight];
    Plotly.react(place, data, layout, config);
  };
  const drawAll = (printing = false) => {
    document.documentElement.classList.toggle("paper", printing);
    for (const id of Object.keys(figures)) draw(id, printing);
  };

  dark.addEventListener("change", () => drawAll());
  addEventListener("resize", () => drawAll());
  addEventListener("beforeprint", () => drawAll(true));
  addEventListener("afterprint", () => drawAll());
  drawAll();
  return { figures, draw };
})();
