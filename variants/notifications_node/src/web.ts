// HTTP: what surrounds every request, the operator's routes, and the one route that customers have.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Database } from "./database.js";
import { log } from "./log.js";
import type { Metrics } from "./metrics.js";
import { type Answer, problemOf, Refusal } from "./problems.js";
import type { MailSender } from "./sender.js";
import { decode, invalid, type Notifications, type OrderEvent } from "./service.js";
import type { CallerVerifier, TokenVerifier } from "./tokens.js";

const KEEP_ALIVE_MS = 75_000; // longer than the edge keeps an idle connection
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;
const MAX_CURSOR_CHARACTERS = 128;
const JSON_TYPE = { "content-type": "application/json" };

const MAX_BODY_BYTES = 64 * 1024;

type Handler = (request: IncomingMessage, query: URLSearchParams) => Promise<Answer>;

export class Web {
  private readonly routes: Map<string, [method: string, handler: Handler]>;
  private draining = false;

  constructor(
    private readonly database: Database,
    private readonly service: Notifications,
    private readonly sender: MailSender,
    private readonly tokens: TokenVerifier,
    private readonly callers: CallerVerifier,
    private readonly metrics: Metrics,
  ) {
    const lag = monitorEventLoopDelay({ resolution: 20 });
    lag.enable();
    metrics.watch("event_loop_lag_seconds", () => {
      const worst = lag.max / 1e9;
      lag.reset();
      return Number.isFinite(worst) ? worst : 0;
    });
    const shown = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
    this.routes = new Map<string, [string, Handler]>([
      ["/healthz", ["GET", async () => ({ status: 200, body: '{"status":"alive"}', headers: JSON_TYPE })]],
      ["/readyz", ["GET", () => this.ready()]],
      ["/metrics", ["GET", async () => ({ status: 200, body: metrics.render(), headers: shown })]],
      ["/notifications", ["GET", (request, query) => this.list(request, query)]],
      ["/internal/order-events", ["POST", (request) => this.hear(request)]],
    ]);
  }

  /** Return the server; it listens once it is told to. */
  server(): Server {
    const server = createServer((request, response) => {
      void this.answer(request).then(({ status, body, headers }) => {
        const more = this.draining ? { connection: "close", "x-envoy-immediate-health-check-fail": "true" } : {};
        response.writeHead(status, { ...headers, ...more, "content-length": Buffer.byteLength(body) }).end(body);
      });
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    return server;
  }

  /** From now on ask in every answer to be asked nothing else. */
  beginLeaving(): void {
    this.draining = true;
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const given = request.headers["x-request-id"];
    const traceId = typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
    const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
    const began = process.hrtime.bigint();
    this.metrics.inHand += 1;
    let answer: Answer;
    const [method, handler] = this.routes.get(path) ?? [];
    try {
      if (method === undefined || handler === undefined) throw new Refusal("not_found");
      if (request.method !== method) throw new Refusal("method_not_allowed", "", [], { allow: method });
      answer = await handler(request, new URLSearchParams(query));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal("internal_error");
      if (refusal !== error) log("error", `${request.method} ${path} failed`, error);
      answer = problemOf(refusal, path, traceId);
    }
    this.metrics.inHand -= 1;
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    const route = handler === undefined ? "unknown" : path;
    this.metrics.requests.observe(seconds, { method: request.method ?? "", route, status: String(answer.status) });
    return { ...answer, headers: { ...answer.headers, "x-request-id": traceId } };
  }

  private async ready(): Promise<Answer> {
    const ready = await this.database.isReady();
    const body = ready ? '{"status":"ready"}' : '{"status":"not ready"}';
    return { status: ready ? 200 : 503, body, headers: JSON_TYPE };
  }

  /** Mail what an order's event asks for, for a service that waits. */
  private async hear(request: IncomingMessage): Promise<Answer> {
    await this.callers.check(header(request, "authorization"), ["orders"]);
    const mediaType = (header(request, "content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    if (mediaType !== "application/json") throw new Refusal("unsupported_media_type");
    const event = decodeBody(await readBody(request));
    await this.service.hear(event);
    const sent = await this.sender.sendAbout(event.order_id);
    return { status: 200, body: `{"status":"${sent ? "sent" : "queued"}"}`, headers: JSON_TYPE };
  }

  private async list(request: IncomingMessage, query: URLSearchParams): Promise<Answer> {
    const customerId = await this.tokens.subjectOf(header(request, "authorization"));
    const limit = parseLimit(once(query, "limit"));
    const after = decodeCursor(once(query, "cursor"));
    return { status: 200, body: await this.service.list(customerId, limit, after), headers: JSON_TYPE };
  }
}

/** Lines that repeat a header are joined with commas, as the other builds do: none of them is believed. */
function header(request: IncomingMessage, name: string): string | undefined {
  return request.headersDistinct[name]?.join(",");
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new Refusal("body_too_large");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function decodeBody(raw: Buffer): OrderEvent {
  try {
    return decode(raw);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refusal("malformed_body", "The body is not valid JSON.");
    throw new Refusal("invalid_request", "The request is not valid.", [{ field: "", message: (error as Error).message }]);
  }
}

/** Return a query parameter. One that comes twice is refused: which was meant? */
function once(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw invalid(name, "stands in the query twice");
  return values[0];
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PAGE;
  const limit = Number(text);
  if (!/^[1-9][0-9]{0,2}$/.test(text) || limit > MAX_PAGE) {
    throw invalid("limit", `must be a number from 1 to ${MAX_PAGE}`);
  }
  return limit;
}

function decodeCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const bytes = Buffer.from(cursor.length <= MAX_CURSOR_CHARACTERS ? cursor : "", "base64url");
  const text = bytes.toString("utf-8");
  if (!text || text.includes("\0") || Buffer.from(text).toString("base64url") !== cursor) {
    throw invalid("cursor", "is not a cursor of this list");
  }
  return text;
}
