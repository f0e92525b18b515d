// The inbox: each event takes effect once, however often it is delivered.

import { AckPolicy, DiscardPolicy, type JsMsg, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect, headers, nanos, type NatsConnection } from "@nats-io/transport-node";
import type { Database } from "./database.js";
import { failpoint } from "./failpoints.js";
import { log } from "./log.js";
import type { Metrics } from "./metrics.js";
import { Refusal } from "./problems.js";
import { decode, EVENT_TYPES, type Notifications, type OrderEvent } from "./service.js";

const CONSUMER = "notifications";
const MIB = 1024 * 1024;
const STREAMS = [["SHOP", "shop.", 512 * MIB], ["DEAD", "dead.", 256 * MIB]] as const;
const BATCH = 100;
const PING_EVERY_MS = 2000; // as in shared/platform/broker.py: nobody tells of packets that the network swallows
const PINGS_UNANSWERED = 2;
const ACK_WAIT_MS = 10_000; // after a crash, this long until the events in hand come again
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;
const MAX_TRIES = 5; // of an event whose own data makes its handler fail; what is away is waited for without limit
const MAX_REASON = 300;
const RECONNECT_MS = 200;

const REMEMBER =
  "INSERT INTO inbox (event_id, consumer) SELECT unnest($1::uuid[]), $2 ON CONFLICT DO NOTHING RETURNING event_id";

const PRUNE = `
DELETE FROM inbox WHERE event_id IN (
  SELECT event_id FROM inbox WHERE received_at < now() - make_interval(hours => $1)
  ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING event_id`;
const PRUNE_BATCH = 1000;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_PAUSE_MS = 1000; // between batches where there is more

type Delivery = [JsMsg, OrderEvent];

export class Inbox {
  private connection: NatsConnection | undefined;
  private stopping = false;

  constructor(
    private readonly url: string,
    private readonly database: Database,
    private readonly service: Notifications,
    private readonly metrics: Metrics,
    private readonly afterCommit: () => void,
  ) {}

  /** Consume until `stop`. The broker comes and goes by itself; whatever fails is begun again. */
  async run(): Promise<void> {
    while (!this.stopping) {
      try {
        this.connection ??= await this.connect();
        await this.consume(this.connection);
      } catch (error) {
        if (!this.stopping) log("warning", "the consumer begins again", error);
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }

  /** Forget now and then what the broker delivers no more. Whatever fails is done the next time. */
  async prune(keptH: number): Promise<void> {
    let forgotten = 0;
    try {
      forgotten = (await this.database.run(PRUNE, [keptH, PRUNE_BATCH])).length;
    } catch (error) {
      log("warning", "old events are not forgotten", error);
    }
    const pauseMs = forgotten === PRUNE_BATCH ? PRUNE_PAUSE_MS : PRUNE_EVERY_MS;
    if (!this.stopping) setTimeout(() => void this.prune(keptH), pauseMs).unref();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.connection?.close();
  }

  private async connect(): Promise<NatsConnection> {
    const { protocol, username, password, host } = new URL(this.url);
    return connect({
      servers: `${protocol}//${host}`,
      ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
      name: CONSUMER,
      inboxPrefix: `_INBOX.${CONSUMER}`, // the only one that its user may listen to
      timeout: 1000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      pingInterval: PING_EVERY_MS,
      maxPingOut: PINGS_UNANSWERED,
    });
  }

  private async consume(connection: NatsConnection): Promise<void> {
    const manager = await jetstreamManager(connection, { timeout: 2000, checkAPI: false });
    for (const [name, prefix, maxBytes] of STREAMS) {
      // A stream that exists with other settings is the operator's decision: it is left alone.
      await manager.streams
        .add({
          name, subjects: [`${prefix}>`], max_bytes: maxBytes, discard: DiscardPolicy.New,
          retention: RetentionPolicy.Limits,
        })
        .catch((error: unknown) => manager.streams.info(name).catch(() => Promise.reject(error)));
    }
    await manager.consumers.add("SHOP", {
      durable_name: CONSUMER,
      filter_subjects: EVENT_TYPES.map((type) => `shop.${type}`),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_deliver: -1,
    });
    const consumer = await jetstream(connection).consumers.get("SHOP", CONSUMER);
    const messages = await consumer.consume({ max_messages: BATCH, idle_heartbeat: 1000, expires: 5000 });
    void (async () => {
      for await (const status of messages.status()) {
        if (/deleted|not_found|missed/.test(status.type)) messages.stop(new Error(status.type));
      }
    })();
    let waiting: JsMsg[] = [];
    let working: Promise<void> | undefined;
    for await (const message of messages) {
      waiting.push(message);
      // Whatever has come while a batch was worked on is the next batch.
      working ??= (async () => {
        while (waiting.length > 0) {
          const batch = waiting;
          waiting = [];
          await this.receive(batch);
        }
        working = undefined;
      })();
    }
  }

  private async receive(messages: JsMsg[]): Promise<void> {
    const decoded: Delivery[] = [];
    for (const message of messages) {
      const event = await this.decoded(message);
      if (event) decoded.push([message, event]);
    }
    if (decoded.length === 0) return;
    try {
      await this.apply(decoded);
    } catch (error) {
      if (decoded.length === 1) {
        await this.failed(...decoded[0]!, error);
        return;
      }
      // One of them may be what fails: the others must not wait for it.
      for (const delivery of decoded) {
        await this.apply([delivery]).catch((its: unknown) => this.failed(...delivery, its));
      }
    }
  }

  private async apply(deliveries: Delivery[]): Promise<void> {
    const events = deliveries.map(([, event]) => event);
    const fresh = await this.database.transaction(async (run) => {
      const rows = await run(REMEMBER, [events.map((event) => event.id), CONSUMER]);
      const ids = new Set(rows.map((row) => String(row.event_id)));
      // By id: a relay that was killed publishes again, and both copies may come in one batch.
      const once = new Map(events.filter((event) => ids.has(event.id)).map((event) => [event.id, event]));
      if (once.size > 0) await this.service.onOrderEvents(run, [...once.values()]);
      return ids;
    });
    failpoint("inbox.applied");
    for (const [message, event] of deliveries) {
      this.metrics.eventsConsumed.inc(1, { type: event.type, outcome: fresh.has(event.id) ? "applied" : "duplicate" });
      message.ack();
    }
    if (fresh.size > 0) this.afterCommit();
  }

  /** Return the event; what will never be readable is set aside. */
  private async decoded(message: JsMsg): Promise<OrderEvent | undefined> {
    try {
      return decode(message.data);
    } catch (error) {
      await this.setAside(message, message.subject, error);
      return undefined;
    }
  }

  /** Ask for the event again, later; set it aside if it is the event itself that its handler cannot bear. */
  private async failed(message: JsMsg, event: OrderEvent, error: unknown): Promise<void> {
    this.metrics.eventsConsumed.inc(1, { type: event.type, outcome: "failed" });
    if (!(error instanceof Refusal) && message.info.deliveryCount >= MAX_TRIES) {
      await this.setAside(message, event.type, error);
      return;
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(message.info.deliveryCount - 1, 10), LAST_RETRY_MS);
    log("warning", `${event.type} ${event.id} again in ${delayMs} ms: ${reasonOf(error)}`);
    message.nak(delayMs);
  }

  /** Put a message where somebody can look at it and send it again, and let the others pass. */
  private async setAside(message: JsMsg, type: string, error: unknown): Promise<void> {
    log("error", `a message on ${message.subject} is set aside: ${reasonOf(error)}`);
    const why = headers();
    why.set("Twinshop-Reason", reasonOf(error));
    why.set("Twinshop-Subject", message.subject);
    try {
      await jetstream(this.connection!, { checkAPI: false }).publish(`dead.${CONSUMER}`, message.data, { headers: why });
      this.metrics.eventsConsumed.inc(1, { type, outcome: "dead" });
      message.ack();
    } catch (failed) {
      log("warning", "the dead letter comes again", failed);
    }
  }
}

/** Return one line that says what went wrong, without the data of anybody. */
function reasonOf(error: unknown): string {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  if (code && /^[0-9A-Z]{5}$/.test(code)) return `SQLSTATE ${code}`;
  if (error instanceof SyntaxError) return "not JSON"; // the message quotes what came
  return `${name}: ${message}`.replace(/\s+/g, " ").slice(0, MAX_REASON);
}
