// Metrics in Prometheus' form, under the names that the other services use.

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Labels = Record<string, string>;

function key(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/["\\\n]/g, "_")}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

class Counter {
  private readonly values = new Map<string, number>();

  constructor(private readonly name: string, private readonly help: string) {}

  inc(by = 1, labels: Labels = {}): void {
    const at = key(labels);
    this.values.set(at, (this.values.get(at) ?? 0) + by);
  }

  render(): string {
    const lines = [`# HELP ${this.name}_total ${this.help}`, `# TYPE ${this.name}_total counter`];
    for (const [labels, value] of this.values) lines.push(`${this.name}_total${labels} ${value}`);
    return lines.join("\n");
  }
}

interface Series {
  labels: Labels;
  buckets: number[];
  count: number;
  sum: number;
}

class Histogram {
  private readonly series = new Map<string, Series>();

  constructor(private readonly name: string, private readonly help: string) {}

  observe(seconds: number, labels: Labels): void {
    const at = key(labels);
    let one = this.series.get(at);
    if (one === undefined) {
      one = { labels, buckets: BUCKETS_S.map(() => 0), count: 0, sum: 0 };
      this.series.set(at, one);
    }
    one.count += 1;
    one.sum += seconds;
    for (const [index, bound] of BUCKETS_S.entries()) if (seconds <= bound) one.buckets[index]! += 1;
  }

  render(): string {
    const lines = [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} histogram`];
    for (const { labels, buckets, count, sum } of this.series.values()) {
      for (const [index, bound] of BUCKETS_S.entries()) {
        lines.push(`${this.name}_bucket${key({ ...labels, le: String(bound) })} ${buckets[index]}`);
      }
      lines.push(`${this.name}_bucket${key({ ...labels, le: "+Inf" })} ${count}`);
      lines.push(`${this.name}_sum${key(labels)} ${sum}`, `${this.name}_count${key(labels)} ${count}`);
    }
    return lines.join("\n");
  }
}

/** What this service counts. */
export class Metrics {
  readonly requests = new Histogram("http_server_request_duration_seconds", "Requests served, by route and status");
  readonly statements = new Counter("db_statements", "Statements sent to the database (round trips)");
  readonly commits = new Counter("db_commits", "Transactions committed");
  readonly eventsConsumed = new Counter("events_consumed", "Events consumed");
  readonly mailsSent = new Counter("mails_sent", "Mails the mail server took");
  readonly mailsUndeliverable = new Counter("mails_undeliverable", "Mails that can never be sent: their address is none");
  inHand = 0;
  private readonly gauges = new Map<string, () => number>([["http_server_active_requests", () => this.inHand]]);

  /** Show what `read` says whenever somebody asks. */
  watch(name: string, read: () => number): void {
    this.gauges.set(name, read);
  }

  /** Return the exposition text. */
  render(): string {
    const parts = [this.requests, this.statements, this.commits, this.eventsConsumed, this.mailsSent, this.mailsUndeliverable].map((one) =>
      one.render(),
    );
    for (const [name, read] of this.gauges) parts.push(`# TYPE ${name} gauge\n${name} ${read()}`);
    return `${parts.join("\n")}\n`;
  }
}
