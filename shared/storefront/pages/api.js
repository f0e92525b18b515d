// Speaks to the shop's public API and to the identity provider; knows nothing of pages.

const SIGNED_IN = "twinshop.signed-in";
let config = { build: "", identity_url: "" };

/** An answer that is no success: `code` is the shop's own, or `network` when nothing came back. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || "The shop did not answer.");
    this.status = status;
    this.code = problem.code || "network";
    this.problem = problem;
  }
}

export async function loadConfig() {
  config = await (await fetch("/storefront/config.json")).json();
  return config;
}

export async function demoCustomers() {
  const answer = await fetch(`${config.identity_url}/demo-customers`);
  return (await answer.json()).customers;
}

export async function signIn(customer) {
  const answer = await fetch(`${config.identity_url}/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ subject: customer.subject, email: customer.email }),
  });
  if (!answer.ok) throw new Refusal(answer.status, { detail: "Signing in did not work. Try again in a moment." });
  const { access_token: token } = await answer.json();
  sessionStorage.setItem(SIGNED_IN, JSON.stringify({ subject: customer.subject, token }));
}

export function signOut() {
  sessionStorage.removeItem(SIGNED_IN);
}

export function signedIn() {
  return JSON.parse(sessionStorage.getItem(SIGNED_IN) || "null");
}

/** Calls the shop. Resolves to {status, body}; throws a Refusal for anything that is not a success, and when `signal` aborts. */
export async function call(method, path, { body, key, signal } = {}) {
  const headers = {};
  const who = signedIn();
  if (who) headers.Authorization = `Bearer ${who.token}`;
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  let text;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
    text = await answer.text();
  } catch {
    throw new Refusal(0, {});
  }
  let parsed = {};
  try {
    parsed = text ? JSON.parse(text) : {};
  } catch {
    throw new Refusal(answer.status, {});
  }
  if (!answer.ok) {
    if (answer.status === 401) signOut();
    throw new Refusal(answer.status, parsed);
  }
  return { status: answer.status, body: parsed };
}

export const get = async (path, signal) => (await call("GET", path, { signal })).body;
