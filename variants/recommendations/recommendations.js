// A strip below a product: what goes with it. Where nothing is recommended in time there is no strip.

import { picture } from "./pictures.js";
import { h } from "./views.js";

const WITHIN_MS = 1500;
const SHELVES = [
  ["bought_together", "Often bought together"],
  ["similar", "Similar products"],
  ["popular", "Popular right now"],
];
const main = document.getElementById("main");

/** Returns what is recommended, or nothing: a page is never worse for having asked. */
async function recommended(sku) {
  try {
    const answer = await fetch(`/products/${encodeURIComponent(sku)}/recommendations`, { signal: AbortSignal.timeout(WITHIN_MS) });
    return answer.ok ? (await answer.json()).items : [];
  } catch {
    return [];
  }
}

const card = (product) => h("li", { class: "card" },
  h("a", { href: `#/product/${encodeURIComponent(product.sku)}` }, picture(product), h("span", { class: "name" }, product.name)));

function shelf(why, title, items) {
  const heading = `recommended-${why}`;
  const section = h("section", { "aria-labelledby": heading },
    h("h2", { id: heading }, title), h("ul", { class: "grid" }, items.map(card)));
  Object.assign(section.style, { display: "grid", gap: ".6rem", marginTop: "1.5rem" });
  return section;
}

async function strip(article) {
  const items = await recommended(decodeURIComponent(location.hash.slice("#/product/".length)));
  if (!article.isConnected) return; // the customer has gone on
  const shelves = SHELVES.map(([why, title]) => [why, title, items.filter((item) => item.why === why)]);
  main.append(...shelves.filter(([, , some]) => some.length).map((one) => shelf(...one)));
}

let shown;
new MutationObserver(() => {
  const article = main.querySelector("article.product");
  if (article && article !== shown) strip(article);
  shown = article;
}).observe(main, { childList: true });
