// Points at which a test may kill this process, and faults of the module: as in the other services, in local mode only.

import { appendFileSync, readFileSync, statSync } from "node:fs";

const crashAt = new Map<string, number>();
const reached = new Map<string, number>();
let reachedFile = "";
let faultsFile = "";

interface Fault {
  poison?: string;
  hog_ms?: number;
  leak_mb?: number;
  memory_limit_mb?: number;
}

let readAt = -1;
let fault: Fault = {};
const leaked: Buffer[] = [];

/** Arm the points that `crash` names (`mail.sent:2,...`), and look at a file for faults. */
export function enable(crash: string, file: string, faults: string): void {
  for (const item of crash.split(",").filter(Boolean)) {
    const [name = "", count] = item.trim().split(":");
    crashAt.set(name, Number(count ?? 1));
  }
  reachedFile = file;
  faultsFile = faults;
}

/** Mark that this point is reached; kill the process if it is the one to die at. */
export function failpoint(name: string): void {
  if (crashAt.size === 0 && !reachedFile) return;
  reached.set(name, (reached.get(name) ?? 0) + 1);
  if (reachedFile) appendFileSync(reachedFile, `${name}\n`);
  if (crashAt.get(name) === reached.get(name)) process.kill(process.pid, "SIGKILL");
}

/** Mark that the module is entered: where it shall hog, leak or fall, it does. */
export function inject(about: string): void {
  if (!faultsFile) return;
  const now = current();
  if (now.poison && about.includes(now.poison)) process.kill(process.pid, "SIGKILL");
  if (now.hog_ms) burn(now.hog_ms);
  if (now.leak_mb) {
    leaked.push(Buffer.alloc(now.leak_mb << 20, 1));
    if (now.memory_limit_mb && process.memoryUsage().rss / 1e6 > now.memory_limit_mb) process.kill(process.pid, "SIGKILL");
  }
}

function current(): Fault {
  try {
    const changedAt = statSync(faultsFile).mtimeMs;
    if (changedAt !== readAt) {
      fault = (JSON.parse(readFileSync(faultsFile, "utf-8")) as Record<string, Fault>).notifications ?? {};
      readAt = changedAt;
    }
  } catch {
    readAt = -1;
    fault = {};
    leaked.length = 0;
  }
  return fault;
}

function burn(cpuMs: number): void {
  const began = process.cpuUsage();
  for (;;) {
    const used = process.cpuUsage(began);
    if ((used.user + used.system) / 1000 >= cpuMs) return;
  }
}
