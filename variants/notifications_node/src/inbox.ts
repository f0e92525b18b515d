// The inbox: each event takes effect once, however often it is delivered.

import { AckPolicy, type JsMsg, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect, nanos, type NatsConnection } from "@nats-io/transport-node";
import type { Database } from "./database.js";
import { failpoint } from "./failpoints.js";
import { log } from "./log.js";
import type { Metrics } from "./metrics.js";
import { decode, EVENT_TYPES, type Notifications, type OrderEvent } from "./service.js";

const CONSUMER = "notifications";
const STREAMS = [["SHOP", "shop."], ["DEAD", "dead."]] as const;
const KEPT_MS = 7 * 24 * 3600 * 1000;
const BATCH = 100;
const ACK_WAIT_MS = 10_000; // after a crash, this long until the events in hand come again
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;
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
    });
  }

  private async consume(connection: NatsConnection): Promise<void> {
    const manager = await jetstreamManager(connection, { timeout: 2000, checkAPI: false });
    for (const [name, prefix] of STREAMS) {
      // A stream that exists with other settings is the operator's decision: it is left alone.
      await manager.streams
        .add({ name, subjects: [`${prefix}>`], max_age: nanos(KEPT_MS), retention: RetentionPolicy.Limits })
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
        this.again(...decoded[0]!, error);
        return;
      }
      // One of them may be what fails: the others must not wait for it.
      for (const delivery of decoded) {
        await this.apply([delivery]).catch((its: unknown) => this.again(...delivery, its));
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

  /** Return the event, or put what will never be readable where somebody can look at it, and let the others pass. */
  private async decoded(message: JsMsg): Promise<OrderEvent | undefined> {
    try {
      return decode(message.data);
    } catch (error) {
      log("error", `undecodable event on ${message.subject}`, error);
      try {
        await jetstream(this.connection!).publish(`dead.${CONSUMER}`, message.data);
        this.metrics.eventsConsumed.inc(1, { type: message.subject, outcome: "dead" });
        message.ack();
      } catch (failed) {
        log("warning", "the dead letter comes again", failed);
      }
      return undefined;
    }
  }

  /** Ask for the event again, later; without limit, because the reason is expected to pass. */
  private again(message: JsMsg, event: OrderEvent, error: unknown): void {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(message.info.deliveryCount - 1, 10), LAST_RETRY_MS);
    log("warning", `${event.type} ${event.id} again in ${delayMs} ms`, error);
    this.metrics.eventsConsumed.inc(1, { type: event.type, outcome: "failed" });
    message.nak(delayMs);
  }
}
