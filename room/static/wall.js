// The page for the back row: asks the room once a second for what it lacks, and shows it in few and large things.

import { draw } from "./drawing.js";
import { showStory } from "./story.js";

const EVERY_MS = 1000, WINDOW_MS = 120_000, SMOOTH = 5, FAILS = 0.005;
const NAMES = { monolith: "monolith", microservices: "services" };
const LABELS = { postgres: "database" }, GROW = { people: 1.25, outside: 1.1 }; // larger letters need larger boxes
const at = (id) => document.getElementById(id);
const ms = (value) => (value === null || value === undefined ? ["–", ""] : value < 1000 ? [value.toFixed(0), "ms"] : [(value / 1000).toFixed(1), "s"]);
const share = (value) => (value >= FAILS ? `${Math.max(1, Math.round(value * 100))} % fail` : "");

/** The four figures: what a number of a shop's sample it is, how it is written, and what is to be noted under it. */
const FIGURES = [
  { title: "Orders confirmed a second", of: (look) => look.confirmed, write: (value) => [value?.toFixed(1) ?? "–", ""],
    more: (look) => look.pending, note: (look) => (look.pending ? `+ ${look.pending.toFixed(1)} pending` : "") },
  { title: "p99 of orders", of: (look) => look.orders?.[0], write: ms, bad: true, note: (look) => share(look.orders?.[1]) },
  { title: "p99 of browsing", of: (look) => look.browsing?.[0], write: ms, bad: true, note: (look) => share(look.browsing?.[1]) },
  { title: "CPU cores used", of: (look) => look.cores, smooth: true, write: (value) => [value?.toFixed(2) ?? "–", ""], note: () => "" },
];
const state = { samples: [], update: {}, figures: [] };
window.wall = state;

function el(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

async function look() {
  let message;
  try {
    const answer = await fetch(`/wall/now?after=${state.samples.at(-1)?.n ?? -1}`);
    message = await answer.json();
  } catch {
    at("clock").textContent = "the control room does not answer";
    at("clock").classList.add("lost");
    return;
  }
  if (message.last < (state.samples.at(-1)?.n ?? -1)) location.reload(); // another room, which counts anew
  if (message.drawings) begin(message.drawings);
  state.samples.push(...message.samples.filter((sample) => !(sample.n <= state.samples.at(-1)?.n)));
  const now = state.samples.at(-1);
  if (!now) return;
  while (state.samples[0].at < now.at - WINDOW_MS) state.samples.shift();
  at("clock").textContent = new Date(now.at).toLocaleTimeString("en-GB");
  at("clock").classList.remove("lost");
  showStory(at("story"), message.story, now.at);
  showFaults(message.faults, now.at);
  for (const [stack, look] of Object.entries(message.looks)) {
    state.update[stack]?.(look);
    showAudit(at(`audit-${stack}`), message.books[stack], message.books.checking);
  }
  state.figures.forEach((show) => show());
}

function begin(drawings) {
  for (const [stack, plan] of Object.entries(drawings)) {
    plan.nodes = plan.nodes.map((node) => ({ ...node, grow: node.inside.length ? 1.12 : GROW[node.kind] ?? 1.2, label: LABELS[node.kind] ?? node.id }));
    state.update[stack] = draw(at(`drawing-${stack}`), plan);
  }
  const figures = FIGURES.map(figure);
  at("figures").replaceChildren(...figures.map(([card]) => card));
  state.figures = figures.map(([, show]) => show);
}

function showFaults(faults, now) {
  const left = (fault) => Math.max(0, Math.round((fault.ends - now) / 1000));
  const where = ({ stacks }) => (stacks.length > 1 ? "both shops" : NAMES[stacks[0]]);
  at("faults").replaceChildren(...(faults.length ? faults.map((fault) =>
    el("b", {}, `${fault.name} ${fault.part}`.trim(), ` · ${where(fault)} · ${left(fault)} s left`)) : ["no fault is on"]));
}

function showAudit(element, books, checking) {
  const broken = books?.broken ?? [];
  element.textContent = checking ? "checking the books …" : !books ? "books: not checked yet"
    : broken.length ? `books: ${broken.join(", ")} BROKEN` : `books right ✓ ${books.confirmed} orders, ${new Date(books.at).toLocaleTimeString("en-GB")}`;
  element.className = `audit ${checking || !books ? "" : broken.length ? "broken" : "kept"}`;
}

/** Returns a card and the function that brings it up to date. */
function figure({ title, of, write, more, note, bad, smooth }) {
  const rows = Object.entries(NAMES).map(([stack, name]) => {
    const value = el("dd", { class: stack }), noted = el("dd", { class: bad ? "note bad" : "note" });
    return { stack, value, noted, terms: [el("dt", {}, name), value, noted] };
  });
  const chart = el("svg:svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  const card = el("section", { class: "figure", "aria-label": title }, el("h2", {}, title), el("dl", {}, ...rows.flatMap((row) => row.terms)), chart);
  return [card, () => {
    for (const { stack, value, noted } of rows) {
      const looks = state.samples.slice(smooth ? -SMOOTH : -1).map((sample) => sample.stacks[stack]);
      const known = looks.map(of).filter((one) => one !== undefined && one !== null);
      const [number, unit] = write(known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : undefined);
      value.replaceChildren(number, el("small", {}, unit && ` ${unit}`));
      noted.textContent = note(looks.at(-1));
    }
    drawLines(chart, of, more);
  }];
}

/** Draws the last minutes of both shops, from 0 to the highest; a band where something was broken on purpose. */
function drawLines(chart, of, more) {
  const until = state.samples.at(-1).at, x = (sample) => 100 - ((until - sample.at) / WINDOW_MS) * 100;
  const read = [[of, ""], ...(more ? [[more, " waiting"]] : [])];
  const lines = Object.keys(NAMES).flatMap((stack) => read.map(([value, kind]) => [`${stack}${kind}`, state.samples.map((sample) => value(sample.stacks[stack]) ?? null)]));
  const top = Math.max(0.01, ...lines.flatMap(([, values]) => values));
  const way = (values) => values.map((value, at) => (value === null ? "" : // a line has gaps where nothing was measured
    `${at && values[at - 1] !== null ? "L" : "M"}${x(state.samples[at]).toFixed(1)} ${(98 - (value / top) * 94).toFixed(1)}`)).join("");
  const bands = state.samples.filter((sample) => sample.broken).map((sample) => el("svg:rect", { x: x(sample), y: 0, width: 0.9, height: 100 }));
  chart.replaceChildren(...bands, ...lines.map(([name, values]) => el("svg:path", { class: name, d: way(values) })));
}

document.addEventListener("keydown", (event) => { if (["w", "Escape"].includes(event.key) && !event.ctrlKey && !event.metaKey) location.href = "/"; });
look();
setInterval(look, EVERY_MS);
