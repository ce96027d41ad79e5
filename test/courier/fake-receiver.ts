/**
 * The internet of the `edge` project: vitest.config.ts makes it what the Worker's `fetch` reaches. Every host is a webhook
 * receiver that behaves as the URL says and remembers what it was sent; one instance serves all test files of a run, so a
 * test uses keys of its own.
 *
 * `https://<any host>/r/<behaviour>,<behaviour>,…/<key>`: the n-th request gets the n-th behaviour, the last one repeats.
 * A behaviour is a status code, or `hang` (no answer), `endless` (200 and a body without end), `stuck` (200 and a body
 * that stops), `egress-<reason>` (what the embedded stack's egress guard answers when it reached nobody), or a picture
 * (`fake-pictures.ts`).
 * `https://receiver.fake/requests/<key>` gives what came for a key, `/arrivals/<prefix>` the keys in order of arrival.
 */

import { fakePicture } from "./fake-pictures.ts";

export interface Received {
  key: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | ReadableStream<Uint8Array> | null;
}

const CONTROL_HOST = "receiver.fake";
/** What takes for ever ends after this: nobody is to wait for it any more then. */
const LONG_MS = 5_000;

export class FakeReceiver {
  readonly #received: Received[] = [];

  async fetch(request: { method: string; url: string; headers: Headers; text(): Promise<string> }): Promise<Answer> {
    const url = new URL(request.url);
    if (url.hostname === CONTROL_HOST) return this.#control(url);
    const at = url.pathname.indexOf("/r/");
    const [script = "404", key = ""] = at === -1 ? [] : url.pathname.slice(at + 3).split("/");
    const behaviours = script.split(",");
    const before = this.#of(key).length;
    const { method } = request;
    this.#received.push({
      key,
      method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    });
    return behave(behaviours[Math.min(before, behaviours.length - 1)] ?? "404", url, key);
  }

  #of(key: string): Received[] {
    return this.#received.filter((each) => each.key === key);
  }

  #control(url: URL): Answer {
    const [, what, name = ""] = url.pathname.split("/");
    const keys = () => this.#received.map((each) => each.key).filter((key) => key.startsWith(name));
    return { status: 200, body: JSON.stringify(what === "requests" ? this.#of(name) : keys()) };
  }
}

async function behave(behaviour: string, url: URL, key: string): Promise<Answer> {
  const picture = fakePicture(behaviour);
  if (picture !== null) return picture;
  const status = Number(behaviour);
  if (status >= 300 && status <= 399) {
    return { status, headers: { location: `${url.origin}/r/200/${key}-redirected` } };
  }
  if (status > 0) return { status, body: status === 204 || status === 205 ? null : "thanks" };
  switch (behaviour) {
    case "hang":
      await pause(LONG_MS);
      return { status: 200 };
    case "endless":
      return { status: 200, body: slowly(4_096, 5) };
    case "stuck":
      return { status: 200, body: slowly(4, LONG_MS) };
    default:
      return { status: 502, headers: { "x-trawl-egress": behaviour.replace(/^egress-/, "") } };
  }
}

/** Chunks of a size, with a pause after each, for as long as anybody could wait. The host reads on though nobody listens. */
function slowly(bytes: number, pauseMs: number): ReadableStream<Uint8Array> {
  const until = Date.now() + LONG_MS;
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(new Uint8Array(bytes));
      await pause(pauseMs);
      if (Date.now() >= until) controller.close();
    },
  });
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve, ms);
    // Keeps nobody alive. A test file that borrows our types knows timers as numbers.
    (timer as { unref(): void }).unref();
  });
}
