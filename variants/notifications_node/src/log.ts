// Logging: one line of JSON an event, as the other services do.

type Level = "info" | "warning" | "error";

/** Write one line to stderr; an error's message is said, and its stack is not. */
export function log(level: Level, message: string, error?: unknown): void {
  const line: Record<string, string> = {
    time: new Date().toISOString(),
    level,
    part: "notifications",
    logger: "notifications_node",
    message,
  };
  if (error !== undefined) line.exception = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
