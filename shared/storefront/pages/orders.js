// One's orders and messages. What is not settled yet is marked on every page, and asked for until it is settled.

import * as api from "./api.js";
import { WAITING } from "./checkout.js";
import { announce, say, show, unsay } from "./page.js";
import { friendly, h, messageCard, money, numberOf, orderCard, orderName, orderSteps, ORDER_WORDS } from "./views.js";

const POLL_MS = 2000; // on the pages of orders; elsewhere they are asked for less often
const POLL_ELSEWHERE_MS = 6000;
const UNSETTLED = new Set(["placed", "payment_pending", "cancelling"]);
const mark = document.getElementById("pending-count");
let unsettled = new Map(); // id: status
let polling;

const isOpen = () => location.hash.startsWith("#/order");

/** Keeps and marks which orders wait; says what became of those that did. Returns whether one has moved on. */
function note(orders) {
  const moved = orders.filter((order) => unsettled.has(order.id) && unsettled.get(order.id) !== order.status);
  for (const order of orders) {
    if (UNSETTLED.has(order.status)) unsettled.set(order.id, order.status);
    else unsettled.delete(order.id);
  }
  mark.textContent = unsettled.size ? `${unsettled.size} pending` : "";
  if (!unsettled.size) unsay(WAITING); // answered since
  if (moved.length) (isOpen() ? announce : say)(moved.map((order) => `Order ${numberOf(order.id)}: ${ORDER_WORDS[order.status][0]}.`).join(" "));
  return moved.length > 0;
}

function lookLater(render) {
  clearTimeout(polling);
  if (unsettled.size) polling = setTimeout(() => look(render), isOpen() ? POLL_MS : POLL_ELSEWHERE_MS);
}

/** Reads one's orders for the mark, and again while one waits; `render` shows the page anew where they are on it. */
async function look(render) {
  const who = api.signedIn()?.subject;
  try {
    if (who) {
      const { items } = await api.get("/orders?limit=50");
      if (who === api.signedIn()?.subject && note(items) && isOpen()) render({ quietly: true });
    } else forget();
  } catch { /* the shop is away: the page stays, and what waits is asked for again */ }
  lookLater(render);
}

function forget() {
  unsettled = new Map();
  note([]);
}

/** Follows the orders of who has just signed in, or out. */
export function follow(render) {
  forget();
  if (!isOpen()) look(render); // a page of orders reads them itself
}

const signInFirst = (title) => show(title, h("h1", {}, title), h("p", { class: "quiet" }, "Choose a customer at the top to sign in."));

/** Shows one's orders, newest first. */
export async function orders({ signal, render }) {
  if (!api.signedIn()) return signInFirst("Your orders");
  const page = await api.get("/orders?limit=50", signal);
  if (signal.aborted) return;
  const waiting = page.items.filter((order) => order.status === "payment_pending").length;
  show("Your orders", h("h1", {}, "Your orders"),
    waiting ? h("p", { class: "hint" }, `${waiting === 1 ? "One order waits" : `${waiting} orders wait`} for your bank. You need not do anything: this page follows, and we will mail you.`) : "",
    page.items.length ? h("ul", { class: "stack" }, page.items.map((order) => orderCard(order, canceller(render)))) : h("p", { class: "quiet" }, "No orders yet. ", h("a", { href: "#/" }, "Have a look around.")));
  note(page.items);
  lookLater(render);
}

/** Shows one order, how far it is, and what happens next. */
export async function order(id, { signal, render }) {
  if (!api.signedIn()) return signInFirst("Your order");
  const one = await api.get(`/orders/${encodeURIComponent(id)}`, signal);
  if (signal.aborted) return;
  show(`Order ${numberOf(id)}`, h("p", {}, h("a", { href: "#/orders" }, "All your orders")), h("h1", {}, orderName(one)),
    orderSteps(one), h("ul", { class: "stack" }, orderCard(one, canceller(render), "What is in it")));
  note([one]);
  lookLater(render);
}

const canceller = (render) => async (order) => {
  if (!confirm(`Cancel order ${numberOf(order.id)} and get ${money(order.total)} back?`)) return;
  try {
    const { status } = await api.call("POST", `/orders/${order.id}/cancel`);
    say(status === 200 ? "The order is cancelled." : "The order is being cancelled; your refund is on its way.");
  } catch (refusal) {
    say(friendly(refusal));
  }
  render({ quietly: true });
};

/** Shows one's messages, newest first. */
export async function messages({ signal }) {
  if (!api.signedIn()) return signInFirst("Your messages");
  const page = await api.get("/notifications?limit=50", signal);
  if (signal.aborted) return;
  show("Your messages", h("h1", {}, "Your messages"),
    page.items.length ? h("ul", { class: "stack" }, page.items.map(messageCard)) : h("p", { class: "quiet" }, "No messages yet."));
}
