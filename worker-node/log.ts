const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** What may stand in a log line: ids, names, numbers, classified texts. Never a URL, a token of a session, a path. */
export type LogFields = Record<string, string | number | boolean | null>;

export type Log = (level: Level, event: string, fields?: LogFields) => void;

/** One-line JSON events named `noun.verb` on stderr, from `TRAWL_LOG` (default `info`) upwards. */
export function makeLog(level: string | undefined, fixed: LogFields = {}): Log {
  const wanted = LEVELS.indexOf(level as Level);
  const least = wanted === -1 ? 1 : wanted;
  return (at, event, fields = {}) => {
    if (LEVELS.indexOf(at) < least) return;
    process.stderr.write(
      `${JSON.stringify({ time: new Date().toISOString(), level: at, event, ...fixed, ...fields })}\n`,
    );
  };
}
