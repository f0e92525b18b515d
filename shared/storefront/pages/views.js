// Builds what one sees. Everything goes in as text nodes, so no product name can bring markup along.

import { picture } from "./pictures.js";

/** Makes an element: h("a", {href: "#/"}, "Home"). `on…` attributes are listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const FORMATS = new Map();

export function money({ amount, currency }) {
  if (!FORMATS.has(currency)) FORMATS.set(currency, new Intl.NumberFormat(undefined, { style: "currency", currency }));
  return FORMATS.get(currency).format(amount / 100);
}

export const when = (time) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** What a customer tells the shop on the phone: the end of the order's id. */
export const numberOf = (orderId) => orderId.slice(-8);

export function productCard(product, onAdd) {
  return h("li", { class: "card" },
    h("a", { href: `#/product/${product.sku}` }, picture(product), h("span", { class: "name" }, product.name)),
    h("div", { class: "row" },
      h("span", { class: "price" }, money(product.price)),
      addButton(product, onAdd)));
}

function stockWords(available) {
  if (available < 1) return "Sold out";
  return available > 20 ? "In stock" : `Only ${available} left`;
}

function addButton(product, onAdd, label = "Add") {
  const gone = product.available < 1;
  return h("button", {
    type: "button", disabled: gone, onclick: () => onAdd(product),
    // The visible word comes first, so that speech control finds the button by it.
    "aria-label": gone ? `Sold out: ${product.name}` : `${label}: ${product.name}`,
  }, gone ? "Sold out" : label);
}

export function productPage(product, onAdd) {
  return h("article", { class: "product" }, picture(product),
    h("div", {},
      h("h1", {}, product.name),
      h("p", {}, h("a", { href: `#/?category=${encodeURIComponent(product.category)}` }, product.category)),
      h("p", {}, product.description),
      h("p", { class: "price" }, money(product.price)),
      h("p", { class: "quiet" }, stockWords(product.available)),
      addButton(product, onAdd, "Add to the cart")));
}

export const ORDER_WORDS = {
  placed: ["Being placed", "We are working on it."],
  payment_pending: ["Payment pending", "Your bank has not answered yet. We have your order and will mail you."],
  confirmed: ["Confirmed", "Thank you."],
  rejected: ["Not completed", "Nothing is charged."],
  cancelling: ["Being cancelled", "Your refund is on its way; we will mail you."],
  cancelled: ["Cancelled", "Your money is on its way back."],
};

const REASONS = {
  out_of_stock: "Something in it was sold out.",
  price_changed: "A price had changed.",
  payment_declined: "The payment was declined.",
  payment_voided: "The payment could not be settled and was called off.",
  unavailable: "A part of the shop was away.",
};

export function orderCard(order, onCancel) {
  const [word, sentence] = ORDER_WORDS[order.status];
  const heading = `order-${order.id}`;
  return h("li", { class: "order", "data-status": order.status, "aria-labelledby": heading },
    h("div", { class: "row" },
      h("h2", { id: heading }, `Order ${numberOf(order.id)} of ${when(order.created_at)}`),
      h("span", { class: `status ${order.status}` }, word)),
    h("p", { class: "quiet" }, order.reason ? `${REASONS[order.reason] ?? ""} ${sentence}` : sentence),
    h("ul", { class: "lines" }, order.lines.map((line) =>
      h("li", {}, `${line.quantity} × ${line.name}`, h("span", {}, money(line.line_total))))),
    h("div", { class: "row" },
      h("strong", {}, order.total ? `Total ${money(order.total)}` : ""),
      order.status === "confirmed"
        ? h("button", { type: "button", class: "plain", onclick: () => onCancel(order) }, "Cancel this order") : null));
}

export function messageCard(message) {
  return h("li", { class: "order" },
    h("div", { class: "row" }, h("h2", {}, message.subject), h("span", { class: "quiet" }, when(message.created_at))),
    h("p", { class: "quiet" }, `Order ${numberOf(message.order_id)}. ${message.sent_at ? "Mailed to you." : "On its way to you."}`));
}

// What is said of these is true of an order in doubt, too.
const ASKS_AGAIN = new Set(["network", "deadline_exceeded", "request_in_flight"]);

/** Says a refusal in a customer's words, and what to do about it. */
export function friendly(refusal) {
  const words = {
    network: "The shop cannot be reached. Check your connection and try again; nothing is charged twice.",
    unavailable: "A part of the shop is having a rest. Nothing was ordered or charged. Try again in a moment.",
    deadline_exceeded: "That took too long. Press the button again: you will not be charged twice.",
    request_in_flight: "We are still working on this order. Try again in a moment.",
    payment_declined: "The payment was declined. Choose another way to pay.",
    rate_limited: "That was a little fast. Try again in a moment.",
    unauthenticated: "Please sign in first.",
    out_of_stock: "Something in your cart was sold out in the meantime. Nothing was charged; take less of it, or leave it out.",
    not_cancellable: "This order can no longer be cancelled.",
  };
  if (refusal.doubt && !ASKS_AGAIN.has(refusal.code)) {
    const first = refusal.code === "unauthenticated" ? "Please sign in again. " : "";
    return `${first}We do not know yet whether your order went through. Press the button again in a moment: you will not be charged twice.`;
  }
  return words[refusal.code] ?? refusal.message;
}
