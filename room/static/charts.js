// The charts: lines of the last minutes for both shops, with a mark for everything that was done.

const WINDOW_MS = 180_000;
// A part's colour is that of its kind, which is what a legend can say to a room; the drawing names each part's share.
const KINDS = [
  { kinds: ["app"], name: "applications", colour: (stack) => own(stack) },
  { kinds: ["postgres"], name: "databases", colour: () => "#3b82f6" },
  { kinds: ["nats"], name: "broker", colour: () => "#ec4899" },
  { kinds: ["envoy"], name: "edge", colour: () => "#8b5cf6" },
];
const STACKS = ["monolith", "microservices"];
const GREY = "#8a948e";

const own = (stack) => getComputedStyle(document.body).getPropertyValue(`--${stack}`).trim();
const line = (name, color, data, more = {}) =>
  ({ name, type: "line", showSymbol: false, data, lineStyle: { width: 2, color, ...more.lineStyle }, itemStyle: { color }, ...more.series });
const thin = { lineStyle: { width: 1.2, type: "dashed" } };
const sum = (parts) => Object.values(parts ?? {}).reduce((total, each) => total + each, 0);

/** What each chart shows: a function of the samples that returns series. */
const SERIES = {
  arrivals: (get) => STACKS.flatMap((stack) => [
    line(`${stack} good`, own(stack), get(stack, (look) => look.good)),
    line(`${stack} arrivals`, own(stack), get(stack, (look) => look.arrivals), thin)]),
  orders: (get) => STACKS.flatMap((stack) => [
    line(`${stack} confirmed`, own(stack), get(stack, (look) => look.orders)),
    line(`${stack} pending`, own(stack), get(stack, (look) => look.pending), thin)]),
  latency: (get) => STACKS.flatMap((stack) => [
    line(`${stack} p99`, own(stack), get(stack, (look) => look.p99)),
    line(`${stack} p50`, own(stack), get(stack, (look) => look.p50), thin)]),
  errors: (get) => STACKS.map((stack) => line(stack, own(stack), get(stack, (look) => look.errors), { series: { areaStyle: { opacity: 0.25 } } })),
  memory: (get) => STACKS.map((stack) => line(stack, own(stack), get(stack, (look) => sum(look.memory) || null))),
};
for (const stack of STACKS) {
  SERIES[`cpu-${stack}`] = (get, samples, plan) => {
    const kinds = new Map(plan.nodes.map((node) => [node.id, node.kind]));
    const rank = (part) => Math.max(0, KINDS.findIndex((each) => each.kinds.includes(kinds.get(part)))); // a part that is not drawn is an application
    const parts = [...new Set(samples.flatMap((sample) => Object.keys(sample.stacks[stack]?.cpu ?? {})))].sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
    return parts.map((part, at) => {
      const { name, colour } = KINDS[rank(part)];
      return line(name, colour(stack), get(stack, (look) => look.cpu?.[part] ?? null), {
        lineStyle: { width: 0 }, series: { id: part, stack: "cpu", areaStyle: { opacity: at % 2 ? 0.6 : 0.9 } } });
    });
  };
}

/** Draws all charts from what is known. `find(name)` returns the ECharts instance, or nothing while it is being made. */
export function drawCharts(names, find, samples, events, plans) {
  const until = samples.at(-1)?.at ?? Date.now();
  const seen = samples.filter((sample) => sample.at >= until - WINDOW_MS);
  const get = (stack, value) => seen.map((sample) => [sample.at, value(sample.stacks[stack] ?? {}) ?? null]);
  const marks = events.filter((event) => event.at >= until - WINDOW_MS && (event.kind === "did" || !event.good)).map(mark);
  const cores = Math.max(0.1, ...seen.flatMap((sample) => STACKS.map((stack) => sum(sample.stacks[stack]?.cpu))));
  for (const name of names) {
    const chart = find(name);
    if (!chart) continue;
    const series = SERIES[name](get, seen, plans[name.replace("cpu-", "")]);
    if (series.length) series[0].markLine = markLine(marks, name === "arrivals");
    const options = frame(name, until, cores);
    chart.setOption({ ...options, series }, { replaceMerge: ["series"] });
  }
}

function frame(name, until, cores) {
  const isCpu = name.startsWith("cpu");
  return {
    animation: false,
    grid: { left: 44, right: 10, top: isCpu ? 26 : 10, bottom: 22 },
    legend: { show: isCpu, top: 0, left: 0, itemWidth: 10, itemHeight: 10, itemGap: 10, icon: "roundRect", textStyle: { color: GREY, fontSize: 12 } },
    tooltip: { trigger: "axis", confine: true, textStyle: { fontSize: 11 }, valueFormatter: (value) => (value === null || value === undefined ? "–" : Number(value.toFixed(2))), formatter: isCpu ? partByPart : null },
    xAxis: { type: "time", min: until - WINDOW_MS, max: until, axisLabel: { color: GREY, fontSize: 10, hideOverlap: true, formatter: "{HH}:{mm}:{ss}" }, axisLine: { lineStyle: { color: GREY } }, splitNumber: 3 },
    yAxis: { type: name === "latency" ? "log" : "value", min: name === "latency" ? 1 : 0, max: isCpu ? Number(cores.toPrecision(2)) : null,
      axisLabel: { color: GREY, fontSize: 10 }, splitLine: { lineStyle: { color: GREY, opacity: 0.2 } }, splitNumber: 3 },
  };
}

/** Names the parts, of which several have one colour. */
function partByPart(points) {
  return points.filter((point) => point.value[1]).map((point) => `${point.marker}${point.seriesId} ${point.value[1].toFixed(2)}`).join("<br>");
}

function mark(event) {
  const short = event.kind === "did" ? event.text.replace(/^twinshop /, "").split(" --")[0] : "";
  return { xAxis: event.at, name: short, lineStyle: { color: event.good ? GREY : "#dc2626", type: event.kind === "did" ? "solid" : "dotted" } };
}

function markLine(data, named) {
  return { symbol: "none", silent: true, animation: false, data,
    label: { show: named, formatter: "{b}", color: GREY, fontSize: 9, position: "insideEndTop", rotate: 90 } };
}
