// The pages: which address shows what, and what happens on a click.

import * as api from "./api.js";
import * as cart from "./cart.js";
import * as ordering from "./ordering.js";
import { friendly, h, messageCard, money, numberOf, orderCard, productCard, productPage } from "./views.js";

const PAGE = 24;
const POLL_MS = 2000;
const UNSETTLED = new Set(["placed", "payment_pending", "cancelling"]);
const PAYMENT_METHODS = [
  ["pm_ok", "Test card that works"],
  ["pm_declined", "Test card that is declined"],
  ["pm_slow", "Test card with a slow bank"],
  ["pm_timeout", "Test card whose bank answers later"],
];
const main = document.getElementById("main");
const notice = document.getElementById("notice");
const picker = document.getElementById("customer");
const WAITING = "We have your order. Your bank has not answered yet; we will mail you.";
let customers = [];
let polling;
let visit = 0; // grows with each page change, so that a late answer never paints over a newer page

function say(text) {
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { notice.hidden = true; }, 8000);
}

function show(title, ...content) {
  document.title = `${title} · Twinshop`;
  main.replaceChildren(...content);
}

function put(product) {
  say(cart.add(product) ? `${product.name} is in your cart.` : "A cart takes twenty different products at most.");
}

async function home(parameters, mine) {
  const query = parameters.get("query") ?? "";
  const category = parameters.get("category") ?? "";
  document.getElementById("query").value = query;
  const wanted = new URLSearchParams({ limit: PAGE, ...(query && { query }), ...(category && { category }) });
  const [page, categories] = await Promise.all([api.get(`/products?${wanted}`), api.get("/categories")]);
  if (mine !== visit) return;
  const grid = h("ul", { class: "grid" }, page.items.map((product) => productCard(product, put)));
  const more = h("button", { type: "button", class: "plain", hidden: !page.next_cursor }, "Show more");
  let cursor = page.next_cursor;
  more.onclick = async () => {
    more.disabled = true;
    try {
      const next = await api.get(`/products?${wanted}&cursor=${cursor}`);
      const cards = next.items.map((product) => productCard(product, put));
      grid.append(...cards);
      cards[0]?.querySelector("a").focus();
      cursor = next.next_cursor;
      more.hidden = !cursor;
    } catch (refusal) {
      say(friendly(refusal));
    }
    more.disabled = false;
  };
  const chip = (name, label) => h("a", {
    class: "chip", href: name ? `#/?category=${encodeURIComponent(name)}` : "#/", "aria-current": name === category && !query ? "page" : null,
  }, label);
  show(query || category || "All products",
    h("h1", {}, query ? `Products for “${query}”` : category || "All products"),
    h("nav", { class: "chips", "aria-label": "Categories" },
      chip("", "All"), categories.items.map((each) => chip(each.name, `${each.name} (${each.product_count})`))),
    page.items.length ? grid : h("p", { class: "quiet" }, "Nothing found. Try fewer letters or another word, or look at ", h("a", { href: "#/" }, "all products"), "."), more);
}

async function product(sku, mine) {
  const found = await api.get(`/products/${encodeURIComponent(sku)}`);
  if (mine === visit) show(found.name, productPage(found, put));
}

function openOrder() {
  return ordering.inDoubt() && h("p", { class: "quiet" }, "An order that you sent has no answer yet. ",
    h("button", { type: "button", class: "plain", onclick: ask }, "Ask what became of it"));
}

function cartPage() {
  const rows = cart.lines().map((line) => h("li", { class: "row" },
    h("a", { href: `#/product/${line.sku}` }, line.name),
    h("span", { class: "row" },
      h("label", {}, h("span", { class: "hidden" }, `Quantity of ${line.name}`),
        h("input", {
          type: "number", min: 0, max: 100, value: line.quantity,
          onchange: (event) => { cart.setQuantity(line.sku, Number.parseInt(event.target.value, 10) || 0); cartPage(); },
        })),
      h("span", { class: "price" }, money({ ...line.price, amount: line.price.amount * line.quantity })))));
  if (!rows.length) {
    show("Cart", h("h1", {}, "Your cart"), openOrder() ?? "", h("p", { class: "quiet" }, "Nothing in it yet. ", h("a", { href: "#/" }, "Have a look around.")));
    return;
  }
  const methods = PAYMENT_METHODS.map(([value, label], index) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "payment_method", value, checked: index === 0 }), label));
  show("Cart", h("h1", {}, "Your cart"), openOrder() ?? "", h("ul", { class: "cart" }, rows),
    h("form", { class: "checkout", onsubmit: checkout },
      h("p", { class: "row total" }, h("span", {}, "Total"), h("strong", {}, money({ amount: cart.total(), currency: cart.lines()[0].price.currency }))),
      h("fieldset", {}, h("legend", {}, "How do you want to pay?"), methods),
      h("button", { type: "submit", id: "buy" }, "Place the order")));
}

async function checkout(event) {
  event.preventDefault();
  if (!api.signedIn()) {
    say("Please sign in first: choose a customer at the top.");
    picker.focus();
    return;
  }
  const button = document.getElementById("buy");
  button.disabled = true;
  button.textContent = "Placing the order …";
  const lines = cart.lines();
  const body = {
    lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
    payment_method: new FormData(event.target).get("payment_method"),
    expected_total: { amount: cart.total(), currency: lines[0].price.currency },
  };
  try {
    placed(await ordering.order(body));
  } catch (refusal) {
    await refused(refusal);
  }
}

/** Asks what became of an order whose answer got lost. */
async function ask() {
  try {
    placed(await ordering.ask());
  } catch (refusal) {
    await refused(refusal);
  }
}

function placed({ status, body, earlier }) {
  const isCart = JSON.stringify(body.lines.map(({ sku, quantity }) => [sku, quantity]))
    === JSON.stringify(cart.lines().map(({ sku, quantity }) => [sku, quantity]));
  if (isCart) cart.clear();
  const news = status === 201 ? "Thank you. Your order is confirmed." : WAITING;
  const rest = cart.count() ? " What is in your cart now is not ordered yet." : "";
  say(earlier ? `The order that you had sent before went through, and nothing else was ordered.${rest}` : news);
  location.hash = "#/orders";
}

async function refused(refusal) {
  showWho(); // a token that has expired has signed the customer out
  if (refusal.code === "price_changed") {
    const found = await Promise.allSettled(cart.lines().map((line) => api.get(`/products/${line.sku}`)));
    cart.setPrices(new Map(found.filter((each) => each.value).map(({ value }) => [value.sku, value.price])));
    say("A price has changed since you filled your cart. Here is the new total.");
  } else say(friendly(refusal));
  cartPage();
}

async function orders(mine) {
  if (!api.signedIn()) return signInFirst("Your orders");
  const page = await api.get("/orders?limit=50");
  if (mine !== visit) return;
  const list = h("ul", { class: "stack" }, page.items.map((order) => orderCard(order, cancel)));
  show("Your orders", h("h1", {}, "Your orders"), page.items.length ? list : h("p", { class: "quiet" }, "No orders yet."));
  const unsettled = page.items.some((order) => UNSETTLED.has(order.status));
  const newest = page.items[0];
  if (newest && !UNSETTLED.has(newest.status) && notice.textContent.startsWith(WAITING)) notice.hidden = true; // answered since
  if (unsettled) polling = setTimeout(() => render({ quietly: true }), POLL_MS);
}

async function cancel(order) {
  if (!confirm(`Cancel order ${numberOf(order.id)} and get ${money(order.total)} back?`)) return;
  try {
    const { status } = await api.call("POST", `/orders/${order.id}/cancel`);
    say(status === 200 ? "The order is cancelled." : "The order is being cancelled; your refund is on its way.");
  } catch (refusal) {
    say(friendly(refusal));
  }
  render({ quietly: true });
}

async function messages(mine) {
  if (!api.signedIn()) return signInFirst("Your messages");
  const page = await api.get("/notifications?limit=50");
  if (mine !== visit) return;
  show("Your messages", h("h1", {}, "Your messages"),
    page.items.length ? h("ul", { class: "stack" }, page.items.map(messageCard)) : h("p", { class: "quiet" }, "No messages yet."));
}

function signInFirst(title) {
  show(title, h("h1", {}, title), h("p", { class: "quiet" }, "Choose a customer at the top to sign in."));
}

function trouble(refusal) {
  show("Not available", h("h1", {}, refusal.status === 404 ? "There is no such page" : "Just a moment"),
    h("p", {}, friendly(refusal)),
    h("button", { type: "button", onclick: () => render() }, "Try again"));
}

async function render({ quietly = false } = {}) {
  clearTimeout(polling);
  const mine = ++visit;
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  try {
    if (path.startsWith("/product/")) await product(decodeURIComponent(path.slice("/product/".length)), mine);
    else if (path === "/cart") cartPage();
    else if (path === "/orders") await orders(mine);
    else if (path === "/messages") await messages(mine);
    else await home(new URLSearchParams(query), mine);
  } catch (refusal) {
    if (!(refusal instanceof api.Refusal)) throw refusal;
    if (mine === visit) trouble(refusal);
  }
  if (!quietly && mine === visit) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function showWho() {
  picker.value = api.signedIn()?.subject ?? "";
}

function showCount() {
  document.getElementById("cart-count").textContent = cart.count();
}

async function start() {
  showCount();
  cart.onChange(showCount);
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#/?${new URLSearchParams({ query: new FormData(event.target).get("query") })}`;
  });
  picker.addEventListener("change", async () => {
    const customer = customers.find((each) => each.subject === picker.value);
    try {
      if (customer) await api.signIn(customer);
      else api.signOut();
    } catch (refusal) {
      say(friendly(refusal));
      picker.value = "";
    }
    render({ quietly: true });
  });
  window.addEventListener("hashchange", () => render());
  const config = await api.loadConfig();
  document.getElementById("build").textContent = config.build;
  document.body.dataset.build = config.build;
  render({ quietly: true });
  try {
    customers = await api.demoCustomers();
    picker.append(...customers.map((each) => h("option", { value: each.subject }, each.name)));
    showWho();
  } catch {
    say("Signing in is not possible at the moment.");
  }
}

start();
