/** Levels of `TRAWL_LOG`, least important first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** How important an event must be to be written. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes events named `noun.verb` with their ids; never a secret. */
export type Log = Record<LogLevel, (event: string, fields?: Record<string, unknown>) => void>;

/** Reads `TRAWL_LOG`; anything that is no level is the default, `info`. */
export function parseLogLevel(text: string | undefined): LogLevel {
  return LOG_LEVELS.find((level) => level === text) ?? "info";
}

/**
 * A log of one-line JSON events on stderr, so that stdout stays free for answers.
 *
 * @example createLog("info").info("host.ready", { url })
 */
export function createLog(
  least: LogLevel,
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Log {
  const threshold = LOG_LEVELS.indexOf(least);
  const at =
    (level: LogLevel) =>
    (event: string, fields: Record<string, unknown> = {}): void => {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      write(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
