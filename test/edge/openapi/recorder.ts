/** Calls routes and keeps every answer beside the place of the document that it has to fit. */
import { expect } from "vitest";
import { call, type Json } from "../support.ts";
import { type Checked, type Operation, operationsOf, pointerTo, readDocument } from "./support.ts";

export interface Sent {
  id?: string;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

interface Recorded {
  operation: Operation;
  status: number;
  type: string | null;
  /** JSON, or the data of each event. */
  values: unknown[];
}

export class Recorder {
  readonly document: Awaited<ReturnType<typeof readDocument>>;
  readonly operations: Operation[];
  readonly recorded: Recorded[] = [];

  private constructor(document: Recorder["document"]) {
    this.document = document;
    this.operations = operationsOf(document);
  }

  static async open(): Promise<Recorder> {
    return new Recorder(await readDocument());
  }

  /** Sends one request by its operation id; the answer's status has to be the expected one. */
  async send(operationId: string, status: number, key: string | null, sent: Sent = {}): Promise<Json> {
    const operation = this.operations.find((each) => each.operationId === operationId);
    if (operation === undefined) throw new Error(`${operationId} is not documented`);
    const { id = "", query = "", body } = sent;
    const response = await call(operation.path.replace("{id}", id) + query, {
      method: operation.method,
      headers: { ...(key === null ? {} : { "x-api-key": key }), ...sent.headers },
      body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
    });
    const type = response.headers.get("content-type")?.split(";")[0] ?? null;
    const text = response.webSocket === null ? await response.text() : "";
    response.webSocket?.accept();
    response.webSocket?.close();
    const values = type === "application/json" ? [JSON.parse(text)] : type === "text/event-stream" ? data(text) : [];
    expect(response.status, `${operationId}: ${text.slice(0, 300)}`).toBe(status);
    this.recorded.push({ operation, status, type, values });
    return (values[0] ?? {}) as Json;
  }

  /** Each recorded value and its schema; statuses or types without one are told by a pointer to nothing. */
  checks(): Checked[] {
    return this.recorded.flatMap(({ operation, status, type, values }) => {
      const name = `${operation.operationId} ${status}`;
      const answer = pointerTo("responses", String(status));
      const { content } = ((operation.operation.responses as Json)[String(status)] ?? {}) as { content?: Json };
      if (type === null && content === undefined) return [];
      const place = `${operation.pointer}${answer}${pointerTo("content", type ?? "none", "schema")}`;
      const pointer = type === "text/event-stream" ? `${place}/contentSchema` : place;
      return values.map((value) => ({ name, pointer, value }));
    });
  }

  /** What was answered to `<operation id> <status>`. */
  valuesOf(where: string): unknown[] {
    return this.recorded
      .filter(({ operation, status }) => `${operation.operationId} ${status}` === where)
      .flatMap(({ values }) => values);
  }

  /** Operation ids that lack an answer of this kind. */
  without(kind: (status: number) => boolean): string[] {
    const seen = new Set(this.recorded.filter((each) => kind(each.status)).map((each) => each.operation.operationId));
    return this.operations.map((each) => each.operationId).filter((id) => !seen.has(id));
  }
}

function data(stream: string): unknown[] {
  return [...stream.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1] ?? "null") as unknown);
}
