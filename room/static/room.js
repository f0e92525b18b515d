// The page's own side: keeps what the server tells once a second, and shows it.

import { drawCharts } from "./charts.js";
import { draw } from "./drawing.js";
import { showStory } from "./story.js";

const KEPT = 900;
const state = { charts: {}, samples: [], events: [], books: {}, runs: [], promises: {}, update: {}, lost: 0 };
const at = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function tell(message) {
  if (message.drawings) begin(message);
  take("samples", message.samples ?? []);
  take("events", message.events ?? []);
  if (message.runs) showRuns((state.runs = message.runs));
  if (message.books) state.books = message.books;
  if (message.events?.length) showEvents();
  if (message.samples?.length || message.books) showNow();
  if (message.story) showStory(at("story"), message.story, state.samples.at(-1)?.at ?? Date.now());
}

function begin({ drawings, charts, promises }) {
  Object.assign(state, { charts, drawings, promises, samples: [], events: [] });
  for (const [stack, plan] of Object.entries(drawings)) {
    state.update[stack] = draw(at(`drawing-${stack}`), plan, (part) => emitEvent("room_pick", { stack, part }));
  }
}

/** Appends what is new, in order. A gap means that a message was lost: ask for what is missing. */
function take(what, items) {
  for (const item of items) {
    const kept = state[what];
    const expected = kept.length ? kept.at(-1).n + 1 : item.n;
    if (item.n < expected) continue;
    if (item.n > expected) {
      state.lost += 1;
      emitEvent("room_missing", { sample: next("samples"), event: next("events") });
      return;
    }
    kept.push(item);
    if (what === "samples" && kept.length > KEPT) kept.shift();
  }
}

const next = (what) => (state[what].length ? state[what].at(-1).n + 1 : 0);

function showNow() {
  const sample = state.samples.at(-1);
  if (!sample) return;
  at("clock").textContent = `${new Date(sample.at).toLocaleTimeString("en-GB")} · ${state.events.length} events`;
  for (const [stack, look] of Object.entries(sample.stacks)) {
    state.update[stack]?.(look);
    showFigures(stack, look);
    showBooks(stack);
  }
  if (!document.hidden) drawCharts(Object.keys(state.charts), (name) => getElement(state.charts[name])?.chart, state.samples, state.events, state.drawings);
}

function showFigures(stack, look) {
  const total = (parts) => Object.values(parts ?? {}).reduce((sum, each) => sum + each, 0);
  const figures = look.up
    ? [["arrivals/s", look.arrivals?.toFixed(0)], ["orders/s", look.orders?.toFixed(1)], ...(look.pending ? [["pending/s", look.pending.toFixed(1)]] : []), ["p99 ms", look.p99?.toFixed(0)],
      ["errors/s", look.errors?.toFixed(1), look.errors > 0], ["CPU cores", total(look.cpu).toFixed(2)], ["MB", total(look.memory).toFixed(0)]]
    : [["", "not up"]];
  at(`figures-${stack}`).replaceChildren(...figures.map(([name, value, bad]) =>
    el("div", {}, el("dt", {}, name), el("dd", bad ? { class: "bad" } : {}, value ?? "–"))));
}

function showBooks(stack) {
  const found = state.books[stack];
  const list = at(`books-${stack}`);
  const lights = !found ? [] : Object.entries(state.promises).filter(([name]) => name !== "L8").map(([name, words]) => {
    const looked = found.looked_at[name];
    const broken = found.broken.includes(name);
    const what = broken ? "broken" : looked ? "kept" : "open";
    const said = `${name} ${words}: ${broken ? "BROKEN" : looked ? `kept, ${looked} looked at` : "not looked at"}`;
    return el("li", { class: `light ${what}`, title: said, "aria-label": said }, broken ? `✗${name}` : looked ? `✓${name}` : name);
  });
  const loading = state.runs.some((run) => run.name === "load" && run.status === null);
  const when = state.books.checking ? "checking the books …" : !found ? "The books have not been checked yet: they are when a load has ended, or by Check." :
    `${found.confirmed} orders, at rest after ${found.waited_s} s, checked ${new Date(found.at).toLocaleTimeString("en-GB")}`;
  list.replaceChildren(...lights, el("li", {}, when));
  list.classList.toggle("stale", loading || Boolean(state.books.checking));
}

function showEvents() {
  const shown = state.events.slice(-60).reverse();
  at("events").replaceChildren(...shown.map((event) => el("li", { class: `${event.kind} ${event.good ? "" : "bad"}` },
    el("time", {}, new Date(event.at).toLocaleTimeString("en-GB")), el("span", {}, event.stack && event.kind === "seen" ? `${event.stack}: ${event.text}` : event.text))));
}

function showRuns(runs) {
  at("console").replaceChildren(...[...runs].reverse().map((run) => {
    const mark = run.status === null ? "…" : run.status === 0 ? "✓" : "✗";
    const box = el("div", {}, el("pre", {}, el("b", {}, `$ ${run.command} ${mark}`), "\n", run.lines.join("\n")));
    if (run.status === null && run.share !== null) box.append(run.doing, el("progress", { max: 1, value: run.share, "aria-label": run.doing }));
    if (run.report) box.append(el("a", { href: run.report, target: "_blank" }, "Open the report"));
    return box;
  }));
}

document.addEventListener("keydown", (event) => {
  const types = event.target.closest?.("input, textarea, [role=listbox], [role=combobox]");
  if (event.key === "w" && !types && !event.ctrlKey && !event.metaKey && !event.altKey) location.href = "/wall";
});

const waiting = window.room.waiting;
window.room = { tell, state };
waiting.forEach(tell);
