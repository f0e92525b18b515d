// Draws an architecture once, and then colours its parts by health and its links by traffic.

const SVG = "http://www.w3.org/2000/svg";
const SIZES = { people: [84, 40], envoy: [84, 44], app: [118, 44], postgres: [118, 40], nats: [104, 38], outside: [84, 34] };
const WORDS = { customers: "customers", "edge": "edge", db: "database" };
const HEALTH = { ready: "is-ready", waiting: "is-wait", starting: "is-wait", stopping: "is-wait", paused: "is-held", held: "is-held" };

function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const size = (node) => (node.inside.length ? [150, 190] : SIZES[node.kind]).map((length) => length * (node.grow ?? 1));
export const health = (state) => HEALTH[state] ?? "is-bad";
const worst = (states) => ["is-bad", "is-held", "is-wait"].find((each) => states.some((state) => health(state) === each)) ?? "is-ready";

/** Draws into `host`; `pick(part)`, if any, is called when a part is chosen. Returns a function that brings it up to date. */
export function draw(host, plan, pick) {
  const picture = s("svg", { viewBox: `0 0 ${plan.width} ${plan.height}`, role: "group" });
  const byId = new Map(plan.nodes.map((node) => [node.id, node]));
  const links = plan.links.map((link) => {
    const [from, to] = [byId.get(link.start), byId.get(link.end)];
    const path = s("path", { class: "link", d: way(from, to), "stroke-width": 1.5 });
    const title = s("title");
    path.append(title);
    picture.append(path);
    return { ...link, path, title };
  });
  const nodes = new Map();
  for (const node of plan.nodes) {
    const group = nodeGroup(node, pick);
    picture.append(group);
    nodes.set(node.id, group);
  }
  host.replaceChildren(picture);
  return (look) => {
    picture.classList.toggle("down", !look.up);
    for (const [id, group] of nodes) colour(byId.get(id), group, look);
    for (const link of links) thicken(link, look.flows?.[link.flow] ?? 0);
  };
}

function nodeGroup(node, pick) {
  const [width, height] = size(node);
  const known = !["people", "outside"].includes(node.kind), grow = node.grow ?? 1;
  const group = s("g", { role: "img", "aria-label": node.id, class: known ? "node" : "node outside", transform: `translate(${node.x} ${node.y})` });
  if (known && pick) {
    Object.entries({ tabindex: 0, role: "button" }).forEach(([name, value]) => group.setAttribute(name, value));
    group.addEventListener("click", () => pick(node.id));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter") pick(node.id); });
  }
  group.append(s("rect", { class: "box", x: -width / 2, y: -height / 2, width, height, rx: node.kind === "postgres" ? 16 : 7 }));
  const name = s("text", { y: node.inside.length ? -height / 2 + 18 * grow : -1 });
  name.textContent = node.label ?? WORDS[node.id] ?? node.id.replace("-db", " db");
  const note = s("text", { class: "small note", y: node.inside.length ? -height / 2 + 32 * grow : 13 * grow });
  group.append(name, note, s("g", { class: "pips", transform: `translate(0 ${height / 2})` }));
  node.inside.forEach((module, row) => {
    const y = -height / 2 + (42 + row * 34) * grow;
    const part = s("g", { class: "inside" }, s("rect", { class: "module", x: -60 * grow, y, width: 120 * grow, height: 28 * grow, rx: 5 }),
      s("text", { y: y + 18 * grow }));
    part.lastChild.textContent = module;
    if (pick) part.addEventListener("click", (event) => { event.stopPropagation(); pick(module); });
    group.append(part);
  });
  return group;
}

/** A straight way between the sides of two boxes that face each other. */
function way(from, to) {
  const [fromWidth, fromHeight] = size(from), [toWidth, toHeight] = size(to);
  if (to.kind === "nats") { // messages go along one bus, whoever sends them
    return `M${from.x + fromWidth / 2} ${from.y + 10}H${to.x - 10}Q${to.x} ${from.y + 10} ${to.x} ${from.y + 20}V${to.y - toHeight / 2}`;
  }
  const across = Math.abs(to.x - from.x) >= (fromWidth + toWidth) / 2;
  if (!across) {
    const down = Math.sign(to.y - from.y);
    return `M${from.x} ${from.y + (down * fromHeight) / 2}L${to.x} ${to.y - (down * toHeight) / 2}`;
  }
  const right = Math.sign(to.x - from.x);
  const [x1, x2] = [from.x + (right * fromWidth) / 2, to.x - (right * toWidth) / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${x2} ${to.y}`;
}

function colour(node, group, look) {
  const states = look.parts?.[node.id] ?? [];
  group.classList.remove("is-ready", "is-wait", "is-bad", "is-held");
  if (states.length) group.classList.add(worst(states));
  const cpu = look.cpu?.[node.id];
  const trouble = states.filter((state) => state !== "ready");
  const note = trouble.length ? trouble.join(", ") : cpu === undefined ? "" : `${Math.round(cpu * 100)} % CPU`;
  group.querySelector(".note").textContent = states.length > 1 && !trouble.length ? `×${states.length} · ${note}` : note;
  const pips = states.length > 1 ? states : [];
  group.toggleAttribute("data-noted", Boolean(note));
  group.querySelector(".pips").replaceChildren(...pips.map((state, at) =>
    s("circle", { class: `pip ${health(state)}`, cx: (at - (pips.length - 1) / 2) * 14, cy: 0, r: 5 })));
  group.setAttribute("aria-label", `${node.id}: ${states.join(", ") || node.kind}`);
}

function thicken(link, rate) {
  // Ten times the traffic is one step of three pixels, so that a trickle and a flood are both seen.
  link.path.setAttribute("stroke-width", (1.5 + 3 * Math.log10(1 + rate)).toFixed(2));
  link.path.classList.toggle("busy", rate > 0);
  link.title.textContent = `${link.start} → ${link.end}: ${rate}/s`;
}
