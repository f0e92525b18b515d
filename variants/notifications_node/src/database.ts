// The service's own PostgreSQL: a pool, reads in one round trip, one visible place that commits, and the schema.

import { readFileSync } from "node:fs";
import pg from "pg";
import type { Metrics } from "./metrics.js";
import { Refusal } from "./problems.js";

const CONNECT_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 2500;
const ANSWER_TIMEOUT_MS = 3000; // of a server that does not even say that a statement took too long
// As the Python parts have them (shared/platform/postgres.py): whoever freezes in a transaction, or is cut off by a
// network that swallows packets, holds its rows for seconds.
const ALWAYS = { timezone: "UTC", jit: "off" };
const SESSION = {
  ...ALWAYS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: 2000,
  client_connection_check_interval: 1000,
  tcp_keepalives_idle: 2,
  tcp_keepalives_interval: 1,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 5000,
};
const LOCK = 7_305_001; // the one that all versions of this service take when they migrate
// Of SQLSTATE: what passes. Away or out of room, read-only in a failover, a conflict, a lock that is held.
const AWAY_CLASSES = ["08", "25", "40", "53", "55", "57"];

const KNOWN_STATUSES = `
DO $$ BEGIN
  IF EXISTS (SELECT FROM alembic_version WHERE version_num < '0004') THEN
    ALTER TABLE notifications DROP CONSTRAINT notification_status_known, ADD CONSTRAINT notification_status_known
      CHECK (status IN ('queued', 'sent', 'undeliverable'));
  END IF;
END $$`;

export type Row = Record<string, unknown>;
export type Run = (text: string, values?: unknown[]) => Promise<Row[]>;

export class Database {
  private readonly pool: pg.Pool;

  constructor(private readonly url: string, size: number, private readonly metrics: Metrics) {
    this.pool = new pg.Pool({
      connectionString: url,
      max: size,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
      application_name: "notifications",
      options: words(SESSION),
    });
    this.pool.on("error", () => {}); // an idle connection that was cut: the next one is fresh
    metrics.watch("db_pool_connections_in_use", () => this.pool.totalCount - this.pool.idleCount);
    metrics.watch("db_pool_connections_limit", () => size);
  }

  /** Run one statement that stands alone. Throws a Refusal if the database is away. */
  async run(text: string, values: unknown[] = []): Promise<Row[]> {
    try {
      this.metrics.statements.inc();
      return (await this.pool.query(prepared(text, values))).rows as Row[];
    } catch (error) {
      throw told(error);
    }
  }

  /** Commit what the block does, all or nothing. */
  async transaction<T>(block: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((error: unknown) => {
      throw told(error);
    });
    let broken = false;
    const lost = (): void => void (broken = true); // ended by the server between two statements: no reason to die
    client.on("error", lost);
    try {
      await client.query("BEGIN");
      const result = await block(async (text, values = []) => {
        this.metrics.statements.inc();
        return (await client.query(prepared(text, values))).rows as Row[];
      });
      await client.query("COMMIT");
      this.metrics.commits.inc();
      return result;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {
        broken = true;
      });
      throw told(error);
    } finally {
      client.off("error", lost);
      client.release(broken);
    }
  }

  /** Bring the schema up, as a version of this service in another language would find it. No step is ended for length. */
  async migrate(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, application_name: "notifications", options: words(ALWAYS) });
    try {
      await client.connect();
      await client.query("BEGIN");
      await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
      const there = await client.query("SELECT to_regclass('notifications') IS NOT NULL AS yes");
      if (!there.rows[0].yes) await client.query(readFileSync(new URL("../schema.sql", import.meta.url), "utf-8"));
      // The steps that there have been since; the version is the one that the migrations count.
      await client.query("ALTER TABLE notifications ADD COLUMN IF NOT EXISTS traceparent text");
      await client.query("CREATE INDEX IF NOT EXISTS inbox_by_age ON inbox (received_at)");
      await client.query(KNOWN_STATUSES);
      await client.query("UPDATE alembic_version SET version_num = '0004' WHERE version_num < '0004'");
      await client.query("COMMIT");
    } finally {
      await client.end();
    }
  }

  /** Tell whether the database answers within a second. */
  async isReady(): Promise<boolean> {
    const late = new Promise<false>((resolve) => setTimeout(resolve, 1000, false).unref());
    return Promise.race([this.run("SELECT 1").then(() => true, () => false), late]);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

function words(settings: Record<string, string | number>): string {
  return Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(" ");
}

const names = new Map<string, string>();

function prepared(text: string, values: unknown[]): pg.QueryConfig {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `s${names.size}`));
  return { name, text, values };
}

function told(error: unknown): unknown {
  const code = (error as { code?: string }).code ?? "";
  const away = !/^[0-9A-Z]{5}$/.test(code) || AWAY_CLASSES.includes(code.slice(0, 2));
  return away && !(error instanceof Refusal) && error instanceof Error
    ? Object.assign(new Refusal("unavailable", "The database is away."), { cause: error })
    : error;
}
