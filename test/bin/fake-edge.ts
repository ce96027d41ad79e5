import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerAdmin } from "./fake-admin.ts";

/** The key and the admin token that the fake edge takes. */
export const API_KEY = "sk_fake";
export const ADMIN_TOKEN = "adm_fake";

/** One state of a job, as events carry it. */
export type State = { status: string; step: string; progress: number; error?: string };

export const COMPLETED: State[] = [
  { status: "Pending", step: "Queued", progress: 0 },
  { status: "Processing", step: "Downloading", progress: 21.4 },
  { status: "Completed", step: "Finished", progress: 100 },
];
export const FAILED: State[] = [
  { status: "Processing", step: "Downloading", progress: 3 },
  { status: "Failed", step: "Finished", progress: 3, error: "Network error while downloading" },
];

/** An answer that breaks off after so many bytes, once `when` resolves. */
export type Cut = { after: number; when?: () => Promise<unknown> };

/** How a fake edge behaves. */
export type FakeEdgeOptions = {
  /** The states that a job with this URL goes through; each event, and each read while there is no stream, is one on. */
  script?: (url: string) => State[];
  /** `none` answers 404 to streams, `broken` cuts them after the snapshot. */
  streams?: "served" | "none" | "broken";
  file?: Buffer;
  /** Partitions that have not answered when the fleet is listed. */
  unavailable?: string[];
  /** How the first answers to file requests break off, one each. */
  cuts?: Cut[];
};

/** A fake edge that speaks the jobs API as far as the commands use it, and keeps what it was asked. */
export type FakeEdge = {
  url: string;
  requests: { method: string; path: string; headers: IncomingMessage["headers"]; body: unknown }[];
  setFile(file: Buffer): void;
  /** The strong ETag of the file. */
  etag(): string;
  close(): Promise<void>;
};

type FakeJob = { id: string; url: string; states: State[]; at: number };

/** Starts a fake edge on a free port. */
export async function startFakeEdge(options: FakeEdgeOptions = {}): Promise<FakeEdge> {
  const { script = () => COMPLETED, streams = "served", cuts = [] } = options;
  let file = options.file ?? Buffer.from("a file");
  const jobs = new Map<string, FakeJob>();
  const requests: FakeEdge["requests"] = [];

  const body = (job: FakeJob) => {
    const state = job.states[job.at] as State;
    const isDone = state.status === "Completed";
    return {
      ...{ id: job.id, url: job.url, title: "A \u001b[31mtalk", created_at: 1_796_119_200_000, description: null },
      ...{ error: null, eta_seconds: 9, speed_bytes_per_second: 15_000_000, ...state },
      file_size: isDone ? file.length : null,
      s3_url: isDone ? `${url}/f/video.mp4` : null,
      files: isDone ? [{ kind: "media", key: "videos/A talk.mp4", size: file.length, url: `${url}/f/video.mp4` }] : [],
    };
  };
  const advance = (job: FakeJob) => {
    job.at = Math.min(job.at + 1, job.states.length - 1);
  };

  const answer = (request: IncomingMessage, response: ServerResponse, sent: unknown): void => {
    const path = new URL(request.url ?? "/", "http://edge").pathname;
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path.startsWith("/f/")) {
      sendFile(request, response, file, cuts.shift());
      return;
    }
    if (path.startsWith("/admin/")) {
      if (request.headers.authorization !== `Bearer ${ADMIN_TOKEN}`) return void json(401, { error: "Unauthorized" });
      const [status, body] = answerAdmin(request.method ?? "", path);
      const missing = path === "/admin/nodes" && options.unavailable ? { unavailable: options.unavailable } : {};
      return void json(status, { ...(body as object), ...missing });
    }
    if (request.headers["x-api-key"] !== API_KEY) return void json(401, { error: "Invalid API Key" });
    if (path === "/jobs" && request.method === "POST") {
      const { url: media } = sent as { url: string };
      if (media.endsWith("/bad")) return void json(400, { error: "url must not point to a private address" });
      const id = `job-${jobs.size + 1}`;
      jobs.set(id, { id, url: media, states: script(media), at: 0 });
      return void json(201, { job_id: id });
    }
    if (path.endsWith("/retry") && request.method === "POST") {
      const original = jobs.get(path.split("/")[2] ?? "");
      if (original === undefined) return void json(404, { error: "Job not found" });
      if (original.states[original.at]?.status !== "Failed")
        return void json(400, { error: "Only failed jobs can be retried" });
      const id = `job-${jobs.size + 1}`;
      jobs.set(id, { id, url: original.url, states: COMPLETED, at: 0 });
      return void json(201, { job_id: id, original_job_id: original.id, message: "Job re-queued successfully" });
    }
    if (path === "/jobs") return void json(200, { jobs: [...jobs.values()].map(body), total: jobs.size });
    const job = jobs.get(path.split("/")[2] ?? "");
    if (job === undefined) return void json(404, { error: "Job not found" });
    if (request.method === "DELETE") {
      return void json(200, { message: "Job cancelled successfully", job_id: job.id });
    }
    if (!path.endsWith("/events")) {
      if (streams !== "served") advance(job);
      return void json(200, body(job));
    }
    if (streams === "none") return void json(404, { error: "Not found" });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`id: 1\nevent: snapshot\ndata: ${JSON.stringify({ job: body(job) })}\n\n: keep-alive\n\n`);
    if (streams === "broken") return void setImmediate(() => response.destroy());
    while (job.at < job.states.length - 1) {
      advance(job);
      response.write(`id: ${job.at + 1}\nevent: job.progress\ndata: ${JSON.stringify(body(job))}\n\n`);
    }
    response.end();
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const sent: unknown = text === "" ? null : JSON.parse(text);
      const { method = "", url: path = "", headers } = request;
      requests.push({ method, path, headers, body: sent });
      answer(request, response, sent);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    setFile(next) {
      file = next;
    },
    etag: () => etagOf(file),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Ranges as RFC 9110 has them, of the form `bytes=<from>-` only. */
function sendFile(request: IncomingMessage, response: ServerResponse, file: Buffer, cut: Cut | undefined): void {
  const etag = etagOf(file);
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? "NaN");
  const ranged = Number.isInteger(from) && request.headers["if-range"] === etag;
  if (ranged && from >= file.length) {
    return void response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
  }
  const content = ranged ? file.subarray(from) : file;
  const range = ranged ? { "content-range": `bytes ${from}-${file.length - 1}/${file.length}` } : {};
  response.writeHead(ranged ? 206 : 200, { etag, "content-length": content.length, ...range });
  if (cut === undefined) return void response.end(content);
  response.write(content.subarray(0, cut.after));
  void (cut.when?.() ?? Promise.resolve()).finally(() => response.destroy());
}

function etagOf(file: Buffer): string {
  return `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;
}
