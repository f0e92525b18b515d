"use strict";
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search).get("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = asked === "dark" || asked === "light" ? asked : null;
  const theme = () => chosen ?? (system.matches ? "dark" : "light");

  // "colour:monolith:0.3" -> "rgba(...)", as the page's style says at this moment.
  const resolve = (name) => {
    const [, token, opacity] = name.split(":");
    const hex = getComputedStyle(root).getPropertyValue("--" + token).trim() || "#888888";
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${opacity})`;
  };
  const coloured = (value) => {
    if (typeof value === "string") return value.startsWith("colour:") ? resolve(value) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
    }
    return value;
  };
  const axis = (own) => ({
    automargin: true, gridcolor: "colour:line:1", linecolor: "colour:line:1", zerolinecolor: "colour:line:1", tickcolor: "colour:line:1",
    ...own,
  });
  const dress = (layout, height) => ({
    height, margin: { l: 64, r: 24, t: 16, b: 52 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "colour:ink:1" },
    hoverlabel: { bgcolor: "colour:paper:1", bordercolor: "colour:line:1", font: { color: "colour:ink:1" } },
    ...layout,
    xaxis: axis(layout.xaxis ?? {}), yaxis: axis(layout.yaxis ?? {}),
  });

  const holder = document.getElementById("figures");
  const figures = holder ? JSON.parse(holder.textContent) : [];
  const shown = new Map(figures.map((figure) => [figure.id, 0]));
  const draw = (figure) => {
    const view = figure.views[shown.get(figure.id)];
    const options = { responsive: true, displayModeBar: false };
    Plotly.react("plot-" + figure.id, coloured(view.data), coloured(dress(view.layout, figure.height)), options);
  };
  const drawAll = () => { root.dataset.theme = theme(); figures.forEach(draw); };

  document.querySelectorAll(".views button").forEach((button) => button.addEventListener("click", () => {
    const { figure, view } = button.dataset;
    shown.set(figure, Number(view));
    document.querySelectorAll(`.views button[data-figure="${figure}"]`)
      .forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    draw(figures.find((one) => one.id === figure));
  }));
  document.getElementById("theme").addEventListener("click", () => {
    chosen = theme() === "dark" ? "light" : "dark";
    drawAll();
  });
  system.addEventListener("change", drawAll);
  // Paper is light, and narrower than a screen.
  const PAPER_PX = 600;
  const widen = (size) => figures.forEach((figure) => Plotly.relayout("plot-" + figure.id, size));
  addEventListener("beforeprint", () => {
    root.dataset.theme = "light";
    figures.forEach(draw);
    widen({ width: PAPER_PX });
  });
  addEventListener("afterprint", () => { drawAll(); widen({ width: null, autosize: true }); });
  drawAll();
})();
