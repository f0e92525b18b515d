// Pictures drawn from the product itself, since the shop has no photographs: its shelf's sign in the colour of its finish.

const SVG = "http://www.w3.org/2000/svg";

/** One sign for each category, on a grid of 24 by 24, drawn in strokes. */
const SIGNS = {
  furniture: "M6 11V6a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v5M4 10v7h16v-7a2 2 0 0 0-4 0v3H8v-3a2 2 0 0 0-4 0ZM6 17v3M18 17v3",
  lighting: "M8 4h8l4 9H4ZM12 13v6M8 20h8M16 13v3",
  kitchen: "M4 9h13v6a4 4 0 0 1-4 4H8a4 4 0 0 1-4-4ZM17 11h2a2 2 0 0 1 0 5h-2M8 3v3M12 3v3",
  bedroom: "M3 19v-9M21 19v-5H3M3 16h18M6 14v-3h5v3M11 11h7a3 3 0 0 1 3 3",
  bathroom: "M3 12h18v2a5 5 0 0 1-5 5H8a5 5 0 0 1-5-5ZM6 12V6a2 2 0 0 1 4 0M8 8h4M7 19l-1 2M17 19l1 2",
  garden: "M12 20v-9M12 13c-5 0-7-3-7-7 5 0 7 3 7 7ZM12 11c0-4 2-6 7-6 0 4-2 6-7 6M7 20h10",
  office: "M4 5h16v10H4ZM9 19h6M12 15v4",
  storage: "M5 3h14v18H5ZM5 9h14M5 15h14M11 6h2M11 12h2M11 18h2",
  toys: "M4 13h7v7H4ZM13 13h7v7h-7ZM12 3l4.5 8h-9Z",
  sports: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18ZM5.6 5.6c4 3 4 9.8 0 12.8M18.4 5.6c-4 3-4 9.8 0 12.8",
  audio: "M4 14v-2a8 8 0 0 1 16 0v2M4 14h4v6H6a2 2 0 0 1-2-2ZM20 14h-4v6h2a2 2 0 0 0 2-2Z",
  stationery: "M4 20l1-5L16 4l4 4L9 19ZM13 7l4 4",
};
const BOX = "M4 8l8-4 8 4v9l-8 4-8-4ZM4 8l8 4 8-4M12 12v9";

/** What the finishes look like. One that is not known gets the shop's own colour. */
const COLOURS = {
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

/** Returns the picture of a product. It says nothing that the name beside it does not, so screen readers skip it. */
export function picture(product) {
  const finish = product.name.slice(product.name.lastIndexOf(",") + 1).trim().split(/\s+/);
  const colour = COLOURS[finish.at(-1)] ?? COLOURS[finish[0]];
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  const sign = document.createElementNS(SVG, "path");
  sign.setAttribute("d", SIGNS[product.category.toLowerCase()] ?? BOX);
  drawing.append(sign);
  const frame = document.createElement("span");
  frame.className = "picture";
  frame.setAttribute("aria-hidden", "true");
  if (colour) frame.style.setProperty("--tint", colour);
  frame.append(drawing);
  return frame;
}
