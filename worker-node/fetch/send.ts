/** One question to a source, its redirects followed by hand: each hop goes through the guard like the first. */
import { type Dispatcher, request } from "undici";
import { EgressError, toEgressError } from "../egress/policy.ts";
import { type AnswerHead, readHead } from "./answer.ts";
import type { CookieJar } from "./cookies.ts";
import { FetchError, PassingFault } from "./fetch-error.ts";
import type { HostSlots } from "./hosts.ts";
import { MAX_FETCH_REDIRECTS } from "./limits.ts";

/** The node's way out: `EgressAttempt.direct` is one. */
export interface FetchWay {
  /** Dials through the egress guard. */
  dispatcher: Dispatcher;
  /** Shared by all jobs of the node. */
  hosts: HostSlots;
}

/** An address and what may be said to it. */
export interface Aim {
  url: URL;
  headers: Readonly<Record<string, string>>;
}

export interface Question {
  aim: Aim;
  cookies: CookieJar;
  /** `Range` and `If-Range`. */
  extra: Readonly<Record<string, string>>;
  stallMs: number;
  signal: AbortSignal;
}

export interface Answer {
  head: AnswerHead;
  body: AsyncIterable<Buffer>;
  /** Where the answer came from: the next question may go there at once. */
  aim: Aim;
  /** Ends the answer, read or not, and gives the host's slot back. */
  close(): void;
}

/** What any server may hear; everything else that a page gave for its media may be a secret between the two. */
const PLAIN_HEADERS = new Set(["user-agent", "accept", "accept-language", "referer", "origin"]);
/** Ours to say, and never a source's. */
const OWN_HEADERS =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|range|if-.*|accept-encoding|cookie)$/;

/**
 * @throws PassingFault when no answer came, FetchError when none is to be had this way, the signal's reason.
 */
export async function send(question: Question, way: FetchWay): Promise<Answer> {
  let { aim } = question;
  for (let hops = 0; hops <= MAX_FETCH_REDIRECTS; hops++) {
    const answer = await ask(aim, question, way);
    const next = redirectOf(answer.head, aim.url);
    if (next === null) return answer;
    answer.close();
    if (next.protocol !== "http:" && next.protocol !== "https:")
      throw new FetchError("refused", "A redirect left the web");
    aim = { url: next, headers: next.origin === aim.url.origin ? aim.headers : plainOnly(aim.headers) };
  }
  throw new FetchError("unsuitable", "Too many redirects");
}

/** The headers of a source as they may be sent: those of the connection and of ranges are ours to set. */
export function sourceHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    const sound = /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value);
    if (sound && !OWN_HEADERS.test(lower)) headers[lower] = value;
  }
  return headers;
}

async function ask(aim: Aim, question: Question, way: FetchWay): Promise<Answer> {
  const { signal, stallMs } = question;
  const giveBack = await way.hosts.take(aim.url.hostname, signal);
  const cookie = question.cookies.headerFor(aim.url);
  try {
    const answer = await request(aim.url, {
      dispatcher: way.dispatcher,
      method: "GET",
      // Ranges of a compressed body are ranges of something else.
      headers: {
        ...aim.headers,
        "accept-encoding": "identity",
        ...(cookie === null ? {} : { cookie }),
        ...question.extra,
      },
      signal,
      headersTimeout: stallMs,
      bodyTimeout: stallMs,
    });
    const { body } = answer;
    return {
      head: readHead(answer.statusCode, answer.headers, Date.now()),
      body: body as AsyncIterable<Buffer>,
      aim,
      close() {
        // What breaks off unread is no fault of anyone's.
        body.on("error", () => undefined);
        body.destroy();
        giveBack();
      },
    };
  } catch (error) {
    giveBack();
    throw faultOf(error, aim.url.hostname, signal);
  }
}

/** The caller's own abort goes on as it is, the guard's no is final, the rest may pass. */
export function faultOf(error: unknown, host: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const fault = toEgressError(error, host);
  if (fault instanceof EgressError && fault.refused) return new FetchError("refused", fault.message, { cause: fault });
  return new PassingFault("The source did not answer", { cause: error });
}

function redirectOf(head: AnswerHead, base: URL): URL | null {
  if (![301, 302, 303, 307, 308].includes(head.status) || head.location === null) return null;
  return URL.canParse(head.location, base.href) ? new URL(head.location, base.href) : null;
}

function plainOnly(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => PLAIN_HEADERS.has(name)));
}
