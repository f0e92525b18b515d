// The picture of a product: what its name calls it, drawn in the colour of its finish, since the shop has no photographs.

import { DRAWINGS, PARCEL } from "./drawings.js";

const SVG = "http://www.w3.org/2000/svg";
const LAYERS = { "+": "light", "-": "line" };

/** What the finishes look like. One that is not known gets the shop's own colour. */
export const COLOURS = {
  oak: "#c49a5a", walnut: "#76502f", ash: "#cdbb97", beech: "#d6ab7a", pine: "#dcb878", birch: "#e0cda4", cherry: "#9a4a34",
  teak: "#a9703c", sand: "#d9c29a", clay: "#b9694b", olive: "#7d8042", ivory: "#eee6cf", mustard: "#d1a022", charcoal: "#454b50",
  white: "#f1f1ec", black: "#2c2f31", grey: "#93999c", green: "#8aa387", navy: "#2c3f6b", brass: "#c2a14a", steel: "#a7b0b5",
  copper: "#bd7148", chrome: "#c3cbd1", bronze: "#8f6a3c", graphite: "#50565b", cream: "#f0e2bd", red: "#c33b32", nickel: "#b4b3a8",
  gunmetal: "#5a6570", mint: "#9fd4b8", terracotta: "#c4684a", slate: "#66757f", pewter: "#8d9093", gold: "#d8b243", blue: "#86b6de",
  rust: "#a8502b", forest: "#2f5d3c", blush: "#e5b4ae", ochre: "#c98f2b", melange: "#a3a6a8", denim: "#4f6f96", sage: "#9db08f",
  plum: "#6c3b5e", teal: "#2a8082", ink: "#27304c", stone: "#b3aca0", rosewood: "#7d3b3b", sky: "#98c6e8", cobalt: "#2b55b5",
  lime: "#a4c639", orange: "#e8842c", yellow: "#efc62e", violet: "#7a55b8", petrol: "#1c6070", coral: "#ec7566", magenta: "#c0338a",
  silver: "#bfc5ca", turquoise: "#3bbdb2", amber: "#e5a420",
};

/**
 * Returns which kind of product a name means, or null: "Wren Alarm Clock No. 2, navy" is an alarm clock. The kind is what stands
 * last before the finish, the longest one that is known: "Desk Lamp" is no desk, and an "Alarm Clock Radio" is nothing we know.
 */
export function kindOf(name) {
  const words = name.split(",")[0].replace(/ No\. \d+$/, "").trim().toLowerCase().split(/\s+/);
  return words.map((_, at) => words.slice(at).join(" ")).find((kind) => Object.hasOwn(DRAWINGS, kind)) ?? null;
}

/** Returns the picture of a product; only its name is needed. It says nothing that the name does not, so screen readers skip it. */
export function picture({ name }) {
  const finish = name.slice(name.lastIndexOf(",") + 1).trim().toLowerCase().split(/\s+/);
  const colour = COLOURS[finish.at(-1)] ?? COLOURS[finish[0]];
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 64 48");
  for (const layer of (DRAWINGS[kindOf(name)] ?? PARCEL).split("|")) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", LAYERS[layer[0]] ?? "body");
    path.setAttribute("d", layer.replace(/^[+-]/, ""));
    drawing.append(path);
  }
  const frame = document.createElement("span");
  frame.className = "picture";
  frame.dataset.kind = kindOf(name) ?? "parcel";
  frame.setAttribute("aria-hidden", "true");
  if (colour) frame.style.setProperty("--tint", colour);
  frame.append(drawing);
  return frame;
}
