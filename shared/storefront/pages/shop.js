// The pages: which address shows what, and who is signed in.

import * as api from "./api.js";
import { home, listen, product } from "./browse.js";
import * as cart from "./cart.js";
import { cartPage } from "./checkout.js";
import * as orders from "./orders.js";
import { begin, say, show } from "./page.js";
import { friendly, h } from "./views.js";

const picker = document.getElementById("customer");
let customers = [];
let visit = new AbortController(); // ends with each page change: a late answer never paints over a newer page

/** Shows the page of the address. `quietly` leaves focus and place alone; `typed`: it follows what is typed into the search. */
async function render({ quietly = false, typed = false } = {}) {
  visit.abort();
  visit = new AbortController();
  const how = { signal: visit.signal, typed, render };
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  const below = (folder) => path.startsWith(folder) && decodeURIComponent(path.slice(folder.length));
  try {
    if (below("/product/")) await product(below("/product/"), how);
    else if (below("/order/")) await orders.order(below("/order/"), how);
    else if (path === "/cart") cartPage();
    else if (path === "/orders") await orders.orders(how);
    else if (path === "/messages") await orders.messages(how);
    else await home(new URLSearchParams(query), how);
  } catch (refusal) {
    if (!(refusal instanceof api.Refusal)) throw refusal;
    if (!how.signal.aborted) trouble(refusal);
  }
  if (!quietly && !how.signal.aborted) begin();
}

function trouble(refusal) {
  showWho(); // a token that has expired has signed the customer out
  show("Not available", h("h1", {}, refusal.status === 404 ? "There is no such page" : "Just a moment"),
    h("p", {}, friendly(refusal)),
    h("p", { class: "row start" }, h("button", { type: "button", onclick: () => render() }, "Try again"), h("a", { href: "#/" }, "All products")));
}

function showWho() {
  picker.value = api.signedIn()?.subject ?? "";
}

function showCount() {
  document.getElementById("cart-count").textContent = cart.count();
}

async function signIn() {
  const customer = customers.find((each) => each.subject === picker.value);
  try {
    if (customer) await api.signIn(customer);
    else api.signOut();
  } catch (refusal) {
    say(friendly(refusal));
    picker.value = "";
  }
  render({ quietly: true });
  orders.follow(render);
}

async function start() {
  showCount();
  cart.onChange(showCount);
  listen(render);
  picker.addEventListener("change", signIn);
  window.addEventListener("hashchange", () => render());
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // its address is of no page: what is open stays open
    begin();
  });
  render({ quietly: true });
  orders.follow(render);
  const { build } = await api.loadConfig();
  document.getElementById("build").textContent = build;
  document.body.dataset.build = build;
  try {
    customers = await api.demoCustomers();
    picker.append(...customers.map((each) => h("option", { value: each.subject }, each.name)));
    showWho();
  } catch {
    say("Signing in is not possible at the moment.");
  }
}

start();
