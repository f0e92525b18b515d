// Errors as application/problem+json (RFC 9457), as the contract tells them.

export interface FieldError {
  field: string;
  message: string;
}

const TABLE = {
  unauthenticated: [401, "A valid token is required"],
  forbidden: [403, "Not allowed"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  malformed_body: [400, "The body is not valid JSON"],
  body_too_large: [413, "The body is too large"],
  unsupported_media_type: [415, "The body must be application/json"],
  invalid_request: [422, "The request is not valid"],
  internal_error: [500, "An error of ours"],
  unavailable: [503, "A part that this request needs is away"],
} as const;

export type Code = keyof typeof TABLE;

/** What the shop refuses; `detail` is for the customer. */
export class Refusal extends Error {
  constructor(
    readonly code: Code,
    readonly detail = "",
    readonly errors: FieldError[] = [],
    readonly headers: Record<string, string> = {},
  ) {
    super(detail || code);
  }
}

export interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

/** Return the answer that tells a refusal. */
export function problemOf(refusal: Refusal, instance: string, traceId: string): Answer {
  const [status, title] = TABLE[refusal.code];
  const body: Record<string, unknown> = {
    type: `urn:problem:twinshop:${refusal.code}`,
    title,
    status,
    detail: (refusal.code === "internal_error" ? "" : refusal.detail) || `${title}.`,
    instance,
    code: refusal.code,
    trace_id: traceId,
  };
  if (refusal.errors.length > 0) body.errors = refusal.errors;
  const headers: Record<string, string> = { "content-type": "application/problem+json", ...refusal.headers };
  if (refusal.code === "unavailable") headers["retry-after"] = "1";
  if (refusal.code === "unauthenticated") headers["www-authenticate"] = 'Bearer realm="twinshop"';
  return { status, body: JSON.stringify(body), headers };
}
