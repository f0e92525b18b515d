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

const LOCALES = navigator.languages; // the visitor's own, in their order
const FORMATS = new Map();

/** Writes an amount of minor units; how many of them make one is the currency's affair. */
export function money({ amount, currency }) {
  if (!FORMATS.has(currency)) FORMATS.set(currency, new Intl.NumberFormat(LOCALES, { style: "currency", currency }));
  const format = FORMATS.get(currency);
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export const number = (value) => value.toLocaleString(LOCALES);
export const when = (time) => new Date(time).toLocaleString(LOCALES, { dateStyle: "medium", timeStyle: "short" });

/** What a customer tells the shop on the phone: the end of the order's id. */
export const numberOf = (orderId) => orderId.slice(-8);

export const categoryLink = (name) => h("a", { href: `#/?${new URLSearchParams({ category: name })}` }, name);
export const searchLink = (words) => h("a", { href: `#/?${new URLSearchParams({ query: words })}` }, `“${words}”`);

export function productCard(product, onAdd) {
  const few = product.available > 0 && product.available <= FEW;
  return h("li", { class: "card" },
    h("a", { href: `#/product/${product.sku}` }, picture(product), h("span", { class: "name" }, product.name)),
    h("div", { class: "row" },
      h("span", { class: "price" }, money(product.price), few ? h("small", {}, stockWords(product.available)) : null),
      addButton(product, onAdd)));
}

const FEW = 5;
const PLENTY = 100; // beyond it the number says nothing to a customer

export function stockWords(available) {
  if (available < 1) return "Sold out";
  if (available > PLENTY) return `More than ${PLENTY} in stock`;
  return available > FEW ? `${number(available)} in stock` : `Only ${number(available)} left in stock`;
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
  const { available } = product;
  return h("article", { class: "product" }, picture(product),
    h("div", { class: "stack" },
      h("p", { class: "quiet" }, categoryLink(product.category)),
      h("h1", {}, product.name),
      h("p", { class: "price" }, money(product.price)),
      h("p", { class: `stock ${available < 1 ? "gone" : available <= FEW ? "few" : ""}` }, stockWords(available)),
      addButton(product, onAdd, "Add to the cart"),
      product.description ? [h("h2", {}, "Description"), h("p", {}, product.description)] : null,
      h("p", { class: "quiet" }, `Item number ${product.sku}`)));
}

export const orderName = (order) => `Order ${numberOf(order.id)} of ${when(order.created_at)}`;

export const ORDER_WORDS = {
  placed: ["Being placed", "We are working on it."],
  payment_pending: ["Payment pending", "Your bank has not answered yet. We have your order, ask your bank again by ourselves, and will mail you."],
  confirmed: ["Confirmed", "Thank you."],
  rejected: ["Not completed", "Nothing is charged."],
  cancelling: ["Being cancelled", "Your refund is on its way; we will mail you."],
  cancelled: ["Cancelled", "Your money is on its way back."],
};

// How far an order is: what is done, what happens now, and what comes next.
const STEPS = {
  placed: [["done", "Order received"], ["now", "Payment is being taken"], ["next", "Confirmation by mail"]],
  payment_pending: [
    ["done", "Order received, and all in it is set aside for you"],
    ["now", "Your bank has not answered yet. You need not do anything: we ask again by ourselves, and this page follows"],
    ["next", "Once your bank has answered we mail you: the order is confirmed, or it is called off and you keep your money"],
  ],
  confirmed: [["done", "Order received"], ["done", "Paid"], ["done", "Confirmed"]],
  rejected: [["done", "Order received"], ["failed", "Called off. Nothing is charged"]],
  cancelling: [["done", "Paid and confirmed"], ["done", "You cancelled it"], ["now", "Your refund is on its way"], ["next", "Mail, once the refund is made"]],
  cancelled: [["done", "Paid and confirmed"], ["done", "You cancelled it"], ["done", "Refunded"]],
};
const STEP_WORDS = { done: "Done: ", now: "Now: ", next: "Next: ", failed: "Ended: " };

/** Lists the steps of an order; the one that is at hand is the current one. */
export function orderSteps(order) {
  return h("ol", { class: "steps", "aria-label": "How far your order is" }, STEPS[order.status].map(([state, text]) =>
    h("li", { class: state, "aria-current": state === "now" ? "step" : null }, h("strong", {}, STEP_WORDS[state]), `${text}.`)));
}

const REASONS = {
  out_of_stock: "Something in it was sold out.",
  price_changed: "A price had changed.",
  payment_declined: "The payment was declined.",
  payment_voided: "The payment could not be settled and was called off.",
  unavailable: "A part of the shop was away.",
};

/** Shows an order; `title` is its heading, a link to its own page if none is given. */
export function orderCard(order, onCancel, title = h("a", { href: `#/order/${order.id}` }, orderName(order))) {
  const [word, sentence] = ORDER_WORDS[order.status];
  const heading = `order-${order.id}`;
  return h("li", { class: "order", "data-status": order.status, "aria-labelledby": heading },
    h("div", { class: "row" },
      h("h2", { id: heading }, title),
      h("span", { class: `status ${order.status}` }, word)),
    h("p", { class: "quiet" }, order.reason ? `${REASONS[order.reason] ?? ""} ${sentence}` : sentence),
    h("ul", { class: "lines" }, order.lines.map((line) =>
      h("li", {}, picture(line), h("span", { class: "name" }, `${number(line.quantity)} × ${line.name}`), h("span", {}, money(line.line_total))))),
    h("div", { class: "row" },
      h("strong", {}, order.total ? `Total ${money(order.total)}` : ""),
      order.status === "confirmed"
        ? h("button", { type: "button", class: "plain", id: `cancel-${order.id}`, onclick: () => onCancel(order) }, "Cancel this order") : null));
}

const MAILED = { sent: "Mailed to you.", queued: "On its way to you.", undeliverable: "It could not be mailed: your address takes no mail." };

export function messageCard(message) {
  return h("li", { class: "order" },
    h("div", { class: "row" }, h("h2", {}, message.subject), h("span", { class: "quiet" }, when(message.created_at))),
    h("p", { class: "quiet" }, h("a", { href: `#/order/${message.order_id}` }, `Order ${numberOf(message.order_id)}.`), ` ${MAILED[message.status]}`));
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
