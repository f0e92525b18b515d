// The notifications service on Node: the same contract, the same inbox and the same table as microservices/notifications.

import { Database } from "./database.js";
import { enable } from "./failpoints.js";
import { Inbox } from "./inbox.js";
import { log } from "./log.js";
import { Metrics } from "./metrics.js";
import { MailSender } from "./sender.js";
import { Notifications } from "./service.js";
import { load, type Settings } from "./settings.js";
import { CallerVerifier, TokenVerifier } from "./tokens.js";
import { Web } from "./web.js";

const STOP_WITHIN_MS = 8000; // as long as the edge waits for a request under way

async function main(settings: Settings): Promise<void> {
  enable(settings.crashAt, settings.reachedFile, settings.faultsFile);
  const metrics = new Metrics();
  const database = new Database(settings.databaseUrl, settings.poolSize, metrics);
  if (settings.migrateOnStart) await database.migrate();
  const service = new Notifications(database, settings.mailDomain);
  const sender = new MailSender(database, settings, metrics);
  const inbox = new Inbox(settings.natsUrl, database, service, metrics, () => sender.wake());
  const callers = new CallerVerifier("notifications", settings.servicePublicKeys);
  const web = new Web(database, service, sender, new TokenVerifier(settings), callers, metrics);
  const server = web.server();

  const sending = sender.run();
  void inbox.run();
  void inbox.prune(settings.inboxKeptH);
  server.listen(settings.port, settings.host, () => log("info", `listening on ${settings.host}:${settings.port}`));
  server.on("error", (error) => {
    log("error", `port ${settings.port} cannot be used`, error);
    process.exit(1);
  });

  process.once("SIGTERM", () => {
    web.beginLeaving();
    setTimeout(async () => {
      setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
      server.close();
      server.closeIdleConnections();
      sender.stop();
      await Promise.allSettled([inbox.stop(), sending]);
      await database.close();
      process.exit(0);
    }, settings.drainS * 1000);
  });
}

let settings: Settings;
try {
  settings = load();
} catch (error) {
  process.stderr.write(`settings: ${(error as Error).message}\n`);
  process.exit(2);
}
main(settings).catch((error: unknown) => {
  log("error", "cannot start", error);
  process.exit(1);
});
