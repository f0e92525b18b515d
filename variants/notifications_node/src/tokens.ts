// Bearer tokens: customers', by the identity provider's keys; and other services', by keys that we hold.
// What was checked is remembered until it expires.

import { readFileSync } from "node:fs";
import { createRemoteJWKSet, decodeJwt, errors, importJWK, type JWK, jwtVerify } from "jose";
import { Refusal } from "./problems.js";
import type { Settings } from "./settings.js";

const LEEWAY_S = 5;
const REMEMBERED = 4096;
const MAX_CHARACTERS = 4096;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
// No control characters, and no half of a surrogate pair, which UTF-8 cannot carry to the database.
const TEXT = /^[^\u0000-\u001f\u007f\p{Cs}]{1,255}$/u;

export class TokenVerifier {
  private readonly keys: ReturnType<typeof createRemoteJWKSet>;
  private readonly known = new Map<string, { subject: string; expiresAt: number }>();

  constructor(private readonly settings: Settings) {
    this.keys = createRemoteJWKSet(new URL(settings.jwksUrl), { timeoutDuration: 2000, cooldownDuration: 2000 });
  }

  /** Return whose token this header carries. Throws a Refusal: unauthenticated, or unavailable without any keys. */
  async subjectOf(authorization: string | undefined): Promise<string> {
    const token = bearer(authorization);
    const before = this.known.get(token);
    if (before !== undefined && before.expiresAt >= Date.now() / 1000) return before.subject;
    const { subject, expiresAt } = await this.check(token);
    this.known.set(token, { subject, expiresAt });
    if (this.known.size > REMEMBERED) this.known.delete(this.known.keys().next().value!); // the oldest
    return subject;
  }

  private async check(token: string): Promise<{ subject: string; expiresAt: number }> {
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        issuer: this.settings.tokenIssuer,
        audience: this.settings.tokenAudience,
        algorithms: ["Ed25519"],
        clockTolerance: LEEWAY_S,
        requiredClaims: ["sub", "exp"],
      });
      const { sub: subject, exp: expiresAt, roles = [] } = payload;
      if (typeof subject !== "string" || !TEXT.test(subject)) throw new errors.JWTInvalid("sub");
      if (!Number.isFinite(expiresAt)) throw new errors.JWTInvalid("exp");
      if (!Array.isArray(roles) || !roles.every((role) => typeof role === "string")) throw new errors.JWTInvalid("roles");
      return { subject, expiresAt: expiresAt! };
    } catch (error) {
      const away = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError);
      if (away || error.code === "ERR_JOSE_GENERIC") {
        throw new Refusal("unavailable", "The identity provider's keys cannot be fetched.");
      }
      throw new Refusal("unauthenticated", "The token is not valid.");
    }
  }
}

/** Knows the services that may call inner routes. */
export class CallerVerifier {
  private readonly keys: Record<string, JWK>;

  constructor(private readonly name: string, keysFile: string) {
    this.keys = keysFile ? (JSON.parse(readFileSync(keysFile, "utf-8")) as Record<string, JWK>) : {};
  }

  /** Throws a Refusal unless a service that we know has signed this header, for us, and is one of `callers`. */
  async check(authorization: string | undefined, callers: readonly string[]): Promise<void> {
    const token = bearer(authorization);
    let caller = "";
    try {
      caller = decodeJwt(token).iss ?? "";
      const key = await importJWK(this.keys[caller] ?? {}, "Ed25519");
      await jwtVerify(token, key, {
        issuer: caller,
        audience: this.name,
        algorithms: ["Ed25519"],
        clockTolerance: LEEWAY_S,
        requiredClaims: ["exp"],
      });
    } catch {
      throw new Refusal("unauthenticated", "The service token is not valid.");
    }
    if (!callers.includes(caller)) throw new Refusal("forbidden", `This is not for ${caller}.`);
  }
}

function bearer(authorization: string | undefined): string {
  const [scheme = "", token = ""] = (authorization ?? "").split(" ", 2);
  if (scheme.toLowerCase() !== "bearer" || !token) {
    throw new Refusal("unauthenticated", "Send a bearer token in the Authorization header.");
  }
  if (token.length > MAX_CHARACTERS || !COMPACT.test(token)) {
    throw new Refusal("unauthenticated", "The token is not valid.");
  }
  return token;
}
