/** The jobs API as a client of tests sees it: answers as they come, and a wait for a job that outlives the edge. */
import { setTimeout as delay } from "node:timers/promises";
import { readEvents } from "../../../bin/sse.ts";
import { endOfTest } from "./at-end.ts";

export interface JobFile {
  id: string;
  kind: string;
  key: string;
  size: number;
  content_type: string;
  sha256: string;
  url: string;
}

/** The part of a job that most tests read. */
export interface Job {
  id: string;
  status: string;
  step: string;
  error: string | null;
  error_type: string | null;
  title: string | null;
  s3_url: string | null;
  file_size: number | null;
  progress: number | null;
  attempts: number;
  node_id: string | null;
  files: JobFile[];
  [key: string]: unknown;
}

/** The data of one server-sent event. */
export interface JobEvent {
  id: string;
  type: string;
  time: number;
  job_id?: string;
  status?: string;
  step?: string;
  progress?: number | null;
  error?: string | null;
  job?: Job;
}

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

export const TERMINAL_EVENTS: ReadonlySet<string> = new Set([
  "job.completed",
  "job.failed",
  "job.warning",
  "job.skipped",
  "job.cancelled",
]);
/** Between two tries to reach an edge that is away. */
const RECONNECT_MS = 100;

export class Api {
  readonly url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.url = url;
    this.#key = key;
  }

  /** One call; the body is parsed if it is JSON. */
  async call<Body = Record<string, unknown>>(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer<Body>> {
    const response = await this.raw(method, path, options);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === "" ? null : JSON.parse(text)) as Body,
    };
  }

  raw(method: string, path: string, options: { body?: unknown; headers?: Record<string, string> } = {}) {
    return fetch(this.url + path, {
      method,
      headers: { "x-api-key": this.#key, ...options.headers },
      signal: endOfTest(),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  }

  /** Creates a job that must be accepted. */
  async create(body: Record<string, unknown>): Promise<string> {
    const { status, body: answer } = await this.call<{ job_id: string }>("POST", "/jobs", { body });
    if (status !== 201) throw new Error(`POST /jobs answered ${status}: ${JSON.stringify(answer)}`);
    return answer.job_id;
  }

  async job(id: string): Promise<Job> {
    const { status, body } = await this.call<Job>("GET", `/jobs/${id}`);
    if (status !== 200) throw new Error(`GET /jobs/${id} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** The events of a job's stream until it closes. */
  async *events(id: string, lastEventId?: string): AsyncGenerator<JobEvent> {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const response = await this.raw("GET", `/jobs/${id}/events`, { headers });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw new Error(`the stream of ${id} answered ${response.status}`);
    }
    for await (const { id: eventId, event, data } of readEvents(response.body)) {
      const parsed = JSON.parse(data) as JobEvent;
      if (parsed.id !== eventId || parsed.type !== event) throw new Error(`id or type differ from the data: ${data}`);
      yield parsed;
    }
  }

  /** Everything that the edge remembers of a job that has ended. */
  async history(id: string): Promise<JobEvent[]> {
    const events: JobEvent[] = [];
    for await (const event of this.events(id, "0")) events.push(event);
    return events;
  }

  /** Waits for the event, through restarts of the edge. A snapshot counts if the job is as far already. */
  async until(id: string, reached: (event: JobEvent) => boolean): Promise<JobEvent> {
    for (;;) {
      try {
        for await (const event of this.events(id)) if (reached(event)) return event;
      } catch {
        // The edge is away, or was: the next stream begins with how things stand then.
      }
      await delay(RECONNECT_MS, undefined, { signal: endOfTest() });
    }
  }

  /** The job once it is terminal. */
  async finished(id: string): Promise<Job> {
    await this.until(id, (event) => TERMINAL_EVENTS.has(event.type));
    return this.job(id);
  }

  /** Resolves once a node runs the job. */
  async started(id: string): Promise<void> {
    await this.until(id, (event) => event.type === "job.started" || event.job?.status === "Processing");
  }
}
