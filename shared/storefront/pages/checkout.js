// The cart and the way from it to an order.

import * as api from "./api.js";
import * as cart from "./cart.js";
import * as ordering from "./ordering.js";
import { say, show } from "./page.js";
import { picture } from "./pictures.js";
import { friendly, h, money } from "./views.js";

const PAYMENT_METHODS = [
  ["pm_ok", "Test card that works"],
  ["pm_declined", "Test card that is declined"],
  ["pm_slow", "Test card with a slow bank"],
  ["pm_timeout", "Test card whose bank answers later"],
];
export const WAITING = "We have your order. Your bank has not answered yet; we will mail you.";
const picker = document.getElementById("customer");

function openOrder() {
  return ordering.inDoubt() && h("p", { class: "quiet" }, "An order that you sent has no answer yet. ",
    h("button", { type: "button", class: "plain", onclick: ask }, "Ask what became of it"));
}

function row(line) {
  const keep = (quantity) => { cart.setQuantity(line.sku, quantity); cartPage(); };
  return h("li", { class: "line" }, picture(line),
    h("a", { class: "name", href: `#/product/${line.sku}` }, line.name),
    h("span", { class: "row" },
      h("label", {}, h("span", { class: "hidden" }, `Quantity of ${line.name}`),
        h("input", {
          type: "number", id: `quantity-${line.sku}`, min: 0, max: 100, value: line.quantity,
          onchange: (event) => keep(Number.parseInt(event.target.value, 10) || 0),
        })),
      h("span", { class: "price" }, money({ ...line.price, amount: line.price.amount * line.quantity })),
      h("button", { type: "button", class: "plain", "aria-label": `Remove: ${line.name}`, onclick: () => { keep(0); say(`${line.name} is no longer in your cart.`); } }, "Remove")));
}

export function cartPage() {
  const lines = cart.lines();
  if (!lines.length) {
    show("Cart", h("h1", {}, "Your cart"), openOrder() ?? "", h("p", { class: "quiet" }, "Nothing in it yet. ", h("a", { href: "#/" }, "Have a look around.")));
    return;
  }
  const chosen = document.querySelector("[name=payment_method]:checked")?.value ?? PAYMENT_METHODS[0][0];
  const methods = PAYMENT_METHODS.map(([value, label]) => h("label", { class: "choice" },
    h("input", { type: "radio", id: value, name: "payment_method", value, checked: value === chosen }), label));
  show("Cart", h("h1", {}, "Your cart"), openOrder() ?? "", h("div", { class: "till" }, h("ul", { class: "cart" }, lines.map(row)),
    h("form", { class: "checkout", onsubmit: checkout },
      h("p", { class: "row total" }, h("span", {}, "Total"), h("strong", {}, money({ amount: cart.total(), currency: lines[0].price.currency }))),
      h("fieldset", {}, h("legend", {}, "How do you want to pay?"), methods),
      h("button", { type: "submit", id: "buy" }, "Place the order"))));
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
  await settle(() => ordering.order(body));
}

/** Asks what became of an order whose answer got lost. */
const ask = () => settle(ordering.ask);

async function settle(send) {
  try {
    placed(await send());
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
  picker.value = api.signedIn()?.subject ?? ""; // a token that has expired has signed the customer out
  if (refusal.code === "price_changed") {
    const answers = await Promise.allSettled(cart.lines().map((line) => api.get(`/products/${line.sku}`)));
    cart.setPrices(new Map(answers.filter((each) => each.value).map(({ value }) => [value.sku, value.price])));
    say("A price has changed since you filled your cart. Here is the new total.");
  } else say(friendly(refusal));
  cartPage();
}
