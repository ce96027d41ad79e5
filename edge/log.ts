import { parseTraceparent } from "../shared/trace-context.ts";
import type { Env } from "./env.ts";
import { redactText } from "./redact.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** What may stand in a log line: ids, names, numbers. Never a body, a header or a URL with its query. */
export type LogFields = Record<string, string | number | boolean | null>;

export type Log = (level: Level, event: string, fields?: LogFields) => void;

/** One-line JSON events named `noun.verb`, from `TRAWL_LOG` (default `info`) upwards. */
export function makeLog(env: Pick<Env, "TRAWL_LOG">): Log {
  const wanted = LEVELS.indexOf(env.TRAWL_LOG as Level);
  const least = wanted === -1 ? 1 : wanted;
  return (level, event, fields = {}) => {
    if (LEVELS.indexOf(level) < least) return;
    console.log(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
  };
}

/** Longest text of somebody else's making in a line. */
const MAX_ERROR_LENGTH = 300;

/** What was thrown, in words, without what works as a credential: messages of platforms quote URLs. */
export function errorText(error: unknown): string {
  return redactText(String(error)).slice(0, MAX_ERROR_LENGTH);
}

/** The trace that a line belongs to, if any: the id that the caller, the edge and the node have in common. */
export function traceField(traceparent: string | null | undefined): { trace?: string } {
  const context = parseTraceparent(traceparent);
  return context === null ? {} : { trace: context.traceId };
}
