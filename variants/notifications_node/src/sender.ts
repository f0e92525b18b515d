// The mail sender: takes due messages under a lease, sends them over one connection, marks what the server took.

import nodemailer from "nodemailer";
import type { Database, Row } from "./database.js";
import { failpoint } from "./failpoints.js";
import { log } from "./log.js";
import type { Metrics } from "./metrics.js";
import { words } from "./service.js";
import type { Settings } from "./settings.js";

const BATCH = 50;
const LINGER_MS = 100; // nobody waits for a mail, and mails of one batch share a connection
const LEASE_S = 20; // a crash leaves messages for as long as this
const SENDING_MS = 10_000;
const BACK_OFF_AT_MOST_S = 8;

// Times are the database's, so that replicas agree.
const claim = (which: string): string => `
UPDATE notifications SET attempts = attempts + 1, next_attempt_at = now() + ${LEASE_S} * interval '1 second'
WHERE id IN (SELECT id FROM notifications WHERE status = 'queued' AND next_attempt_at <= now() ${which}
             ORDER BY next_attempt_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
RETURNING id, order_id, kind, email, total, currency, message_id`;
const CLAIM = claim("");
const CLAIM_ABOUT = claim("AND order_id = $1::uuid");
const MARK_SENT = "UPDATE notifications SET status = 'sent', sent_at = now() WHERE id = ANY ($1::uuid[]) AND status = 'queued'";
const GIVE_UP = "UPDATE notifications SET status = 'undeliverable' WHERE id = ANY ($1::uuid[]) AND status = 'queued'";
// A name and a domain, of characters that a header can carry; beyond ASCII where the server offers SMTPUTF8.
const ADDRESS = /^(?:[^\p{C}\p{Z}<>]| )+@(?:[^\p{C}\p{Z}<>@]| )+$/u;
const ABOUT_ONE_MAIL = new Set(["MAIL FROM", "RCPT TO", "DATA"]); // what other commands are answered is about the server
const PERMANENT = 500; // replies from here on mean the same the next time (RFC 5321)
// Without limit: a mail server that is away for a day costs a day and not a message.
const BACK_OFF = `
UPDATE notifications
SET next_attempt_at = now() + least(power(2, least(attempts, 10)), ${BACK_OFF_AT_MOST_S}) * interval '1 second'
WHERE id = ANY ($1::uuid[]) AND status = 'queued'`;

type End = "sent" | "undeliverable" | "queued";

export class MailSender {
  private woken: (() => void) | undefined;
  private again = false;
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly metrics: Metrics,
  ) {}

  /** Make the loop go round now. */
  wake(): void {
    this.again = true;
    this.woken?.();
  }

  stop(): void {
    this.stopping = true;
    this.wake();
  }

  /** Send what is due until `stop`: when woken, and every so often in any case. */
  async run(): Promise<void> {
    while (!this.stopping) {
      let more = false;
      try {
        more = await this.sendDue();
      } catch (error) {
        log("warning", "the mail sender failed", error);
      }
      if (!more && !this.again) await this.pause(this.settings.sweepIntervalS * 1000);
      this.again = false;
    }
  }

  private async sendDue(): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    const messages = await this.database.run(CLAIM);
    await this.deliver(messages);
    return messages.length === BATCH;
  }

  /** Send what is due about one order, here and now; return whether none is left, which the loop would send. */
  async sendAbout(orderId: string): Promise<boolean> {
    return this.deliver(await this.database.run(CLAIM_ABOUT, [orderId]));
  }

  private async deliver(messages: Row[]): Promise<boolean> {
    if (messages.length === 0) return true;
    failpoint("mail.claimed");
    const ends = await this.send(messages);
    const which = (end: End): unknown[] => [...ends].filter(([, its]) => its === end).map(([id]) => id);
    const [sent, givenUp] = [which("sent"), which("undeliverable")];
    // A crash from here to the mark sends the batch again, with the same Message-IDs.
    failpoint("mail.sent");
    if (sent.length > 0) {
      await this.database.run(MARK_SENT, [sent]);
      this.metrics.mailsSent.inc(sent.length);
    }
    if (givenUp.length > 0) {
      await this.database.run(GIVE_UP, [givenUp]);
      this.metrics.mailsUndeliverable.inc(givenUp.length);
    }
    const unsent = messages.map((message) => message.id).filter((id) => (ends.get(id) ?? "queued") === "queued");
    if (unsent.length > 0) await this.database.run(BACK_OFF, [unsent]);
    return unsent.length === 0;
  }

  /** Return what became of each message, by id; what is not among them was not tried. */
  private async send(messages: Row[]): Promise<Map<unknown, End>> {
    const ends = new Map<unknown, End>();
    const timeoutMs = this.settings.mailTimeoutS * 1000;
    const server = nodemailer.createTransport({
      host: this.settings.smtpHost,
      port: this.settings.smtpPort,
      name: this.settings.mailDomain,
      pool: true,
      maxConnections: 1,
      maxMessages: Infinity,
      ignoreTLS: true,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    });
    const stopAt = Date.now() + SENDING_MS;
    try {
      for (const message of messages) {
        if (Date.now() > stopAt) break;
        if (!ADDRESS.test(String(message.email))) {
          log("warning", `mail ${String(message.message_id)} is undeliverable: its address is none`);
          ends.set(message.id, "undeliverable");
          continue;
        }
        try {
          await server.sendMail(this.mail(message));
          ends.set(message.id, "sent");
        } catch (error) {
          const { responseCode, command } = error as { responseCode?: number; command?: string };
          // A refusal leaves the connection to the others; where there is none, there is nobody to ask.
          if (responseCode === undefined) {
            log("warning", `mail ${String(message.message_id)} is not taken`, error);
            break;
          }
          const isForGood = ABOUT_ONE_MAIL.has(command ?? "") && responseCode >= PERMANENT;
          log("warning", `mail ${String(message.message_id)} is ${isForGood ? "undeliverable" : "not taken"}`, error);
          ends.set(message.id, isForGood ? "undeliverable" : "queued");
        }
      }
    } finally {
      server.close();
    }
    return ends;
  }

  /** Return the message: the same bytes that the other version of this service sends. */
  private mail(row: Row): { envelope: { from: string; to: string }; raw: string } {
    const from = `shop@${this.settings.mailDomain}`;
    const to = String(row.email);
    const [subject, text] = words(String(row.kind), String(row.order_id), Number(row.total), String(row.currency));
    const lines = [
      `Subject: ${subject}`,
      `From: ${from}`,
      `To: ${to}`,
      `Date: ${new Date().toUTCString().replace("GMT", "-0000")}`,
      `Message-ID: ${String(row.message_id)}`,
      "",
      text,
      "",
    ];
    return { envelope: { from, to }, raw: lines.join("\r\n") };
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.woken = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.woken = undefined;
  }
}
