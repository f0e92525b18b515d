// Which events tell the customer something, and what a customer was told.

import { randomBytes } from "node:crypto";
import type { Database, Run } from "./database.js";
import { inject } from "./failpoints.js";
import { Refusal } from "./problems.js";

export interface OrderEvent {
  id: string;
  type: string;
  order_id: string;
  customer_id: string;
  email: string;
  total: { amount: number; currency: string } | null;
  notify: boolean;
  traceparent?: string;
}

const KIND_OF_EVENT: Record<string, string> = {
  "order.confirmed": "order_confirmed",
  "order.cancelled": "order_cancelled",
  "order.payment_pending": "payment_pending",
  "order.rejected": "order_rejected",
};
export const EVENT_TYPES = Object.keys(KIND_OF_EVENT);
const KNOWN_TYPES = [...EVENT_TYPES, "order.refund_due"];
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const SUBJECTS: Record<string, string> = {
  order_confirmed: "Your order is confirmed",
  order_cancelled: "Your order is cancelled",
  payment_pending: "We are waiting for your payment",
  order_rejected: "Your order could not be completed",
};
const SENTENCES: Record<string, (order: string, total: string) => string> = {
  order_confirmed: (order, total) => `Thank you. Your order ${order} over ${total} is confirmed.`,
  order_cancelled: (order, total) => `Your order ${order} over ${total} is cancelled; your money comes back.`,
  payment_pending: (order, total) => `Your order ${order} over ${total} waits for its payment; we will mail you.`,
  order_rejected: (order, total) => `Your order ${order} over ${total} could not be completed. Nothing is charged.`,
};

// One message for each order and kind, however often and in whatever order its events come.
const QUEUE = `
INSERT INTO notifications (id, order_id, kind, customer_id, email, total, currency, message_id, traceparent)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                     $9::text[])
ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING`;
// Times as text: a Date of JavaScript knows no microseconds.
const PAGE = `
SELECT id, order_id, kind, status,
       to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
       to_char(sent_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS sent_at
FROM notifications WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`;
const NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff";

export class Notifications {
  constructor(private readonly database: Database, private readonly mailDomain: string) {}

  /** Queue the messages that these events ask for, in the inbox's transaction. */
  async onOrderEvents(run: Run, events: OrderEvent[]): Promise<void> {
    const telling = events.filter((event) => event.notify && event.type in KIND_OF_EVENT);
    if (telling.length === 0) return;
    const kinds = telling.map((event) => KIND_OF_EVENT[event.type]!);
    await run(QUEUE, [
      telling.map(() => newId()),
      telling.map((event) => event.order_id),
      kinds,
      telling.map((event) => event.customer_id),
      telling.map((event) => event.email),
      telling.map((event) => event.total?.amount ?? 0),
      telling.map((event) => event.total?.currency ?? "EUR"),
      telling.map((event, index) => `<${event.order_id}.${kinds[index]}@${this.mailDomain}>`),
      telling.map((event) => event.traceparent || null),
    ]);
  }

  /** Write down what one event asks for, for a caller who waits. Throws a Refusal for an event that means nothing here. */
  async hear(event: OrderEvent): Promise<void> {
    if (!(event.type in KIND_OF_EVENT)) {
      throw new Refusal("invalid_request", "Nobody is told of that.", [{ field: "type", message: `is ${event.type}` }]);
    }
    await this.database.transaction((run) => this.onOrderEvents(run, [event]));
  }

  /** Return a NotificationPage as JSON: this customer's messages, newest first. */
  async list(customerId: string, limit: number, after: string | null): Promise<string> {
    inject(customerId);
    if (after !== null && !ID.test(after)) throw invalid("cursor", "is not a cursor of this list");
    const rows = await this.database.run(PAGE, [customerId, after ?? NEWEST, limit + 1]);
    const items = rows.slice(0, limit).map(({ id, order_id, kind, status, created_at, sent_at }) => ({
      id,
      order_id,
      kind,
      subject: SUBJECTS[String(kind)],
      status,
      created_at,
      sent_at,
    }));
    const last = items.at(-1);
    const next = rows.length > limit && last ? Buffer.from(String(last.id)).toString("base64url") : null;
    return JSON.stringify({ items, next_cursor: next });
  }
}

/** Return the refusal of a query parameter. */
export function invalid(field: string, message: string): Refusal {
  return new Refusal("invalid_request", `The parameter ${field} ${message}.`, [{ field, message }]);
}

/** Return subject and text of a message. */
export function words(kind: string, orderId: string, total: number, currency: string): [string, string] {
  const shown = `${Math.floor(total / 100)}.${String(total % 100).padStart(2, "0")} ${currency}`;
  return [SUBJECTS[kind]!, SENTENCES[kind]!(orderId, shown)];
}

/** Return the event in these bytes. Throws if they are none: it will never be readable. */
export function decode(data: Uint8Array): OrderEvent {
  const event = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)) as Partial<OrderEvent> & {
    version?: unknown;
    lines?: unknown;
    occurred_at?: unknown;
  };
  const texts = [event.id, event.type, event.order_id, event.customer_id, event.email, event.occurred_at];
  const total = event.total;
  const hasTotal = total === null || (typeof total === "object" && Number.isInteger(total?.amount));
  if (!texts.every((text) => typeof text === "string") || !hasTotal) throw new Error("a field is missing or wrong");
  if (!KNOWN_TYPES.includes(event.type!)) throw new Error(`unknown type ${event.type}`);
  if (!Number.isInteger(event.version) || !Array.isArray(event.lines)) throw new Error("version or lines are wrong");
  return { ...(event as OrderEvent), notify: event.notify ?? true };
}

/** Return a fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits. */
function newId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
