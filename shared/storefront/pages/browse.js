// Finding a product: the shelves, the search, and the page of a product.

import * as api from "./api.js";
import * as cart from "./cart.js";
import { SHELVES } from "./drawings.js";
import { announce, say, show } from "./page.js";
import { picture } from "./pictures.js";
import { categoryLink, friendly, h, number, productCard, productPage, searchLink } from "./views.js";
import { belongs, completed, corrected, suggestions } from "./words.js";

const PAGE = 24;
const TYPING_MS = 300; // a pause of this length asks the shop; typing on takes the question back
const searchForm = document.getElementById("search");
const TINTS = ["oak", "brass", "teal", "sky", "coral", "sage", "violet"]; // of the tiles
const field = document.getElementById("query");
let categories; // kept while one types: they do not change with each letter

function put(product) {
  say(cart.add(product) ? `${product.name} is in your cart.` : "A cart takes twenty different products at most.");
}

const howMany = (page, count = page.items.length) => `${page.next_cursor ? "More than " : ""}${count} ${count === 1 ? "product" : "products"}`;

/** Shows products: all, those of a category, or those that a search finds. `typed`: the visitor is still typing. */
export async function home(parameters, { signal, typed }) {
  const query = parameters.get("query")?.trim() ?? "";
  const category = parameters.get("category") ?? "";
  if (!typed) field.value = query;
  const queryString = new URLSearchParams({ limit: PAGE, ...(query && { query: completed(query) }), ...(category && { category }) });
  const [page, fresh] = await Promise.all([
    api.get(`/products?${queryString}`, signal), typed && categories ? categories : api.get("/categories", signal)]);
  if (signal.aborted) return;
  categories = fresh;
  const names = categories.items.map((each) => each.name);
  const empty = !page.items.length;
  show(query || category || "All products",
    shelves(query ? null : category, !query && !category),
    h("h1", {}, query ? `${empty ? "Nothing" : "Products"} for “${query}”` : category || "All products"),
    empty ? nothing(query, names) : [h("p", { class: "quiet" }, howMany(page)), ...shelf(page, queryString)]);
  if (query) announce(empty ? `Nothing for ${query}. The page says what to try.` : `${howMany(page)} for ${query}`);
}

/** The categories, each with a picture of its first kind: as tiles on the start page, as a row above all others. */
function shelves(category, isStart) {
  const all = isStart ? [] : [h("a", { class: "chip", href: "#/", "aria-current": category === "" ? "page" : null }, "All")];
  return h("nav", { class: isStart ? "tiles" : "chips", "aria-label": "Categories" }, all, categories.items.map(({ name, product_count: count }, at) => {
    const kind = Object.keys(SHELVES[name] ?? {})[0] ?? "something";
    return h("a", {
      class: isStart ? "tile" : "chip", href: `#/?${new URLSearchParams({ category: name })}`, "aria-current": name === category ? "page" : null,
    }, isStart ? picture({ name: `${kind}, ${TINTS[at % TINTS.length]}` }) : null, h("span", {}, name, h("small", {}, ` (${number(count)})`)));
  }));
}

function shelf(page, queryString) {
  const grid = h("ul", { class: "grid" }, page.items.map((product) => productCard(product, put)));
  const more = h("button", { type: "button", class: "plain", hidden: !page.next_cursor }, "Show more");
  let cursor = page.next_cursor;
  more.onclick = async () => {
    more.disabled = true;
    try {
      const next = await api.get(`/products?${queryString}&cursor=${cursor}`);
      const cards = next.items.map((product) => productCard(product, put));
      grid.append(...cards);
      cards[0]?.querySelector("a").focus();
      cursor = next.next_cursor;
      more.hidden = !cursor;
      announce(`${cards.length} more products`);
    } catch (refusal) {
      say(friendly(refusal));
    }
    more.disabled = false;
  };
  return [grid, more];
}

/** Says what was looked for, why there is nothing, and what to do. */
function nothing(query, names) {
  if (!query) return h("p", {}, "There is nothing on this shelf. Look at ", h("a", { href: "#/" }, "all products"), ".");
  const words = [...new Set(query.toLowerCase().split(/\s+/))].slice(0, 5);
  const better = corrected(query);
  const likely = words.map((word) => corrected(word) ?? word);
  const near = names.filter((name) => likely.some((word) => belongs(word, name)));
  const items = [
    better && ["Did you mean ", searchLink(better), "?"],
    words.length > 1 && ["Search for fewer words: ", likely.flatMap((word, at) => [at ? ", " : "", searchLink(word)])].flat(),
    near.length && ["Look into ", near.flatMap((name, at) => [at ? ", " : "", categoryLink(name)])].flat(),
    ["Or look at ", h("a", { href: "#/" }, "all products"), "."],
  ];
  return h("div", { class: "empty" },
    h("p", {}, `No product has ${words.length > 1 ? "all these words" : "this word"} in its name or description.`),
    h("ul", { class: "stack" }, items.filter(Boolean).map((item) => h("li", {}, item))));
}

/** Shows one product. */
export async function product(sku, { signal }) {
  const one = await api.get(`/products/${encodeURIComponent(sku)}`, signal);
  if (!signal.aborted) show(one.name, productPage(one, put));
}

/** Lets the search field search: on Enter, and whenever typing pauses. `render` shows the page of the address. */
export function listen(render) {
  let pause;
  const address = (query) => (query ? `#/?${new URLSearchParams({ query })}` : "#/");
  const search = () => {
    const query = field.value.trim();
    const searching = new URLSearchParams(location.hash.split("?")[1]).has("query");
    if (address(query) === location.hash || !(query || searching)) return;
    // One entry of the history for all that is typed, so that the way back leads to where the search began.
    history[searching ? "replaceState" : "pushState"](null, "", address(query));
    render({ quietly: true, typed: true });
  };
  const wait = (event) => {
    clearTimeout(pause);
    if (!event.isComposing) pause = setTimeout(search, TYPING_MS);
  };
  field.addEventListener("input", wait);
  field.addEventListener("compositionend", wait);
  searchForm.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(pause);
    if (address(field.value.trim()) === location.hash) render();
    else location.hash = address(field.value.trim());
  });
  document.getElementById("kinds").append(...suggestions.map((name) => h("option", { value: name })));
}
