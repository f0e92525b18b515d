// Settings from the environment, or from files of a folder of secrets: the same names as in the other services.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Settings {
  host: string;
  port: number;
  isLocal: boolean;
  databaseUrl: string;
  poolSize: number;
  migrateOnStart: boolean;
  natsUrl: string;
  jwksUrl: string;
  tokenIssuer: string;
  tokenAudience: string;
  servicePublicKeys: string;
  smtpHost: string;
  smtpPort: number;
  mailDomain: string;
  mailTimeoutS: number;
  sweepIntervalS: number;
  drainS: number;
  inboxKeptH: number;
  crashAt: string;
  reachedFile: string;
  faultsFile: string;
}

const LOCAL_DEFAULTS: Record<string, string> = {
  JWKS_URL: "http://127.0.0.1:18402/jwks.json",
  TOKEN_ISSUER: "http://127.0.0.1:18402",
  NATS_URL: "nats://127.0.0.1:18280",
  MAIL_DOMAIN: "microservices.twinshop.example",
};
const REQUIRED = ["DATABASE_URL", "JWKS_URL", "TOKEN_ISSUER", "NATS_URL", "MAIL_DOMAIN"];

/** Return the settings. Throws an error that names everything that is missing. */
export function load(): Settings {
  const isLocal = process.env.TWINSHOP_MODE === "local";
  const given = (name: string): string =>
    process.env[name] ?? fromSecret(name) ?? (isLocal ? (LOCAL_DEFAULTS[name] ?? "") : "");
  const missing = REQUIRED.filter((name) => !given(name));
  if (missing.length > 0) throw new Error(`set ${missing.join(", ")}`);
  const number = (name: string, otherwise: number): number => {
    const value = Number(given(name) || otherwise);
    if (!Number.isFinite(value)) throw new Error(`${name} is no number`);
    return value;
  };
  const settings: Settings = {
    host: given("HOST") || "127.0.0.1",
    port: number("PORT", 8000),
    isLocal,
    databaseUrl: given("DATABASE_URL"),
    poolSize: number("DB_POOL_SIZE", 4),
    migrateOnStart: given("MIGRATE_ON_START").toLowerCase() !== "false",
    natsUrl: given("NATS_URL"),
    jwksUrl: given("JWKS_URL"),
    tokenIssuer: given("TOKEN_ISSUER"),
    tokenAudience: given("TOKEN_AUDIENCE") || "twinshop",
    servicePublicKeys: given("SERVICE_PUBLIC_KEYS"),
    smtpHost: given("SMTP_HOST") || "127.0.0.1",
    smtpPort: number("SMTP_PORT", 18403),
    mailDomain: given("MAIL_DOMAIN"),
    mailTimeoutS: number("MAIL_TIMEOUT_S", 5),
    sweepIntervalS: number("SWEEP_INTERVAL_S", 1),
    drainS: number("DRAIN_S", 0),
    inboxKeptH: number("INBOX_KEPT_H", 14 * 24),
    crashAt: given("CRASH_AT"),
    reachedFile: given("REACHED_FILE"),
    faultsFile: given("FAULTS_FILE"),
  };
  if (settings.inboxKeptH <= 7 * 24) throw new Error("INBOX_KEPT_H: the broker may deliver for 7 days");
  if (!isLocal && (settings.crashAt || settings.reachedFile || settings.faultsFile)) {
    throw new Error("CRASH_AT, REACHED_FILE and FAULTS_FILE are for TWINSHOP_MODE=local only");
  }
  return settings;
}

function fromSecret(name: string): string | undefined {
  const folder = process.env.SECRETS_DIR;
  if (!folder) return undefined;
  try {
    return readFileSync(join(folder, name.toLowerCase()), "utf-8").trim();
  } catch {
    return undefined;
  }
}
