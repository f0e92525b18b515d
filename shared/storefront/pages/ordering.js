// An order on its way: its key and body are kept for each customer until the shop has said what became of it.

import { Refusal, call, signedIn } from "./api.js";

const KEPT_MS = 23 * 3600 * 1000; // the shop keeps its keys for 24 hours: later, the same key would order anew
const FINAL = new Set([
  "payment_declined", "out_of_stock", "price_changed", // the shop has written this order down as rejected
  "invalid_request", "malformed_body", "body_too_large", "idempotency_key_reused", "forbidden", // it never takes this body
]);
// After these nobody knows what the request did. After any other answer it did nothing, which says nothing of earlier ones.
const OPEN = new Set(["network", "deadline_exceeded", "request_in_flight", "internal_error"]);
const place = (subject) => `twinshop.sent.${subject}`;
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function read(subject) {
  try {
    const sent = JSON.parse(localStorage.getItem(place(subject)));
    if (sent?.key && Date.now() - sent.at < KEPT_MS) return sent;
  } catch { /* damaged: as if it were not there */ }
  return null;
}

function write(subject, sent) {
  localStorage.setItem(place(subject), JSON.stringify(sent));
}

function close(subject, key) {
  if (read(subject)?.key === key) localStorage.removeItem(place(subject));
}

/** The body of this customer's order of which nobody knows what became, or null. */
export function inDoubt() {
  const sent = signedIn() && read(signedIn().subject);
  return sent?.doubt ? sent.body : null;
}

/**
 * Places an order. What was sent before and is in doubt is asked for first, with its own body and key: if it stands, it is
 * the answer (`earlier`, with its `body`), and nothing else is ordered. Throws a Refusal; its `doubt` says whether an order
 * of this customer may stand all the same.
 */
export async function order(body) {
  const { subject } = signedIn();
  const sent = read(subject);
  if (sent?.doubt && !same(sent.body, body)) {
    try {
      return { ...await send(subject, sent), earlier: sent.body };
    } catch (refusal) {
      if (!FINAL.has(refusal.code)) throw refusal;
    }
  }
  const again = sent && same(sent.body, body);
  return send(subject, again ? sent : { key: crypto.randomUUID(), body, at: Date.now(), doubt: false });
}

/** Asks what became of the order in doubt, by sending it again with its key. Resolves and throws as `order`. */
export const ask = async () => ({ ...await order(inDoubt()), earlier: true });

async function send(subject, sent) {
  write(subject, { ...sent, doubt: true }); // before it leaves: the page may be closed meanwhile
  try {
    const answer = await call("POST", "/orders", { body: sent.body, key: sent.key });
    close(subject, sent.key);
    return answer;
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal(0, {});
    refusal.doubt = !FINAL.has(refusal.code) && (sent.doubt || OPEN.has(refusal.code));
    if (FINAL.has(refusal.code)) close(subject, sent.key);
    else write(subject, { ...sent, doubt: refusal.doubt });
    throw refusal;
  }
}
