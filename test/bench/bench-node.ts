/** A worker node as far as benches need one: it takes jobs and tells of them, and runs nothing. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  FLEET_BASE,
  type LeasedJob,
  type SessionAnswer,
  sessionChallenge,
  type Ticket,
} from "../../shared/contract/fleet.ts";
import type { Manifest } from "../../shared/contract/media.ts";
import { info, manifest } from "../partition/fixtures.ts";
import type { BenchStack } from "./stack.ts";

const SLOTS = { download: 32, live: 0, transcode: 0, call: 0 };
/** What it answers to every question. */
const LOOK = {
  ...{ kind: "look", title: "A talk", duration: 41, width: 720, height: 1280, extractor: "generic", uploader: null },
  ...{ thumbnail: null, description: null, view_count: null, like_count: null, upload_date: null },
  ...{ filesize_approx: null, is_live: false, is_list: false, entry_count: null, formats: [] },
};
const VERSIONS = { node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "command-line" };

export class BenchNode {
  readonly #base: string;
  readonly #session: SessionAnswer;
  #socket: WebSocket | null = null;
  /** Hears of each question as it comes, before it is answered. */
  onCall: () => void = () => {};

  private constructor(base: string, session: SessionAnswer) {
    this.#base = base;
    this.#session = session;
  }

  /** @param ring called for each ring. */
  static async online(stack: BenchStack, ring: () => void = () => {}): Promise<BenchNode> {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ format: "jwk" }).x ?? "";
    const admin = { authorization: `Bearer ${stack.adminToken}` };
    const { token } = await post<{ token: string }>(`${stack.url}/admin/enrolments`, {}, admin);
    const enrolled = { enrolment: token, public_key: raw, name: "bench" };
    const fleet = stack.url + FLEET_BASE;
    const { node_id } = await post<{ node_id: string }>(`${fleet}/register`, enrolled);
    const { nonce } = await post<{ nonce: string }>(`${fleet}/challenge`, { node_id });
    const signature = signText(privateKey, sessionChallenge(node_id, nonce));
    const asked = { node_id, nonce, signature, resume: null, slots: SLOTS, versions: VERSIONS, features: [] };
    const session = await post<SessionAnswer>(`${fleet}/sessions`, asked);
    const [partition = "p1:auto:0"] = session.partitions;
    const node = new BenchNode(`${fleet}/partitions/${encodeURIComponent(partition)}`, session);
    await node.#openSocket(ring);
    return node;
  }

  async lease(count = 32): Promise<LeasedJob[]> {
    const body = { request_id: crypto.randomUUID(), slots: { ...SLOTS, download: count } };
    return (await this.#call<{ jobs: LeasedJob[] }>("lease", body)).jobs;
  }

  job(job: LeasedJob, name: string, body: object = {}): Promise<unknown> {
    return this.#call(`jobs/${job.job}/${name}`, { token: job.token, ...body });
  }

  heartbeat(holding: readonly LeasedJob[], download = SLOTS.download): Promise<unknown> {
    const held = holding.map(({ job, token }) => ({ job, token }));
    return this.#call("heartbeat", { holding: held, slots: { ...SLOTS, download }, state: "running" });
  }

  /** Confirms a job, looks it up and puts its file of some bytes; what is left is `complete` with this manifest. */
  async putFile(job: LeasedJob): Promise<Manifest> {
    const bytes = Buffer.from("the media file");
    await this.job(job, "confirm");
    const single = { kind: "single", info: info({ title: `Talk ${job.job}`, size_estimate: bytes.length }) };
    const { tickets } = (await this.job(job, "extracted", { result: single })) as { tickets?: Ticket[] };
    const [ticket] = tickets ?? [];
    const put = await fetch(ticket?.urls[0]?.url ?? "", { method: "PUT", body: bytes });
    if (!put.ok) throw new Error(`a part was answered with ${put.status}: ${await put.text()}`);
    const whole = manifest([{ uploadId: ticket?.upload_id ?? "", size: bytes.length }]);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const parts = [{ part_number: 1, etag: put.headers.get("etag") ?? "", size: bytes.length }];
    return { ...whole, files: whole.files.map((file) => ({ ...file, sha256, parts })) };
  }

  /** One frame of progress over the socket. */
  progress(jobs: readonly LeasedJob[], fraction: number): void {
    const entries = jobs.map(({ job, token }) => ({
      ...{ job, token, step: "download", fraction, eta_seconds: 9, speed_bytes_per_second: 14_979_657 },
    }));
    this.#socket?.send(JSON.stringify({ type: "progress", jobs: entries }));
  }

  close(): void {
    this.#socket?.close();
  }

  #call<Body>(path: string, body: object): Promise<Body> {
    return post<Body>(`${this.#base}/${path}`, body, { authorization: `Bearer ${this.#session.session_key}` });
  }

  async #openSocket(ring: () => void): Promise<void> {
    const headers = { authorization: `Bearer ${this.#session.session_key}` };
    const address = `${this.#base.replace(/^http/, "ws")}/socket`;
    // Node's WebSocket takes headers, which the standard one does not know.
    const socket = new WebSocket(address, { headers } as unknown as string[]);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("the node's socket did not open")));
    });
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string; call: string };
      if (frame.type === "ring") ring();
      if (frame.type !== "call") return;
      this.onCall();
      void this.#call(`calls/${frame.call}/answer`, { ok: true, result: LOOK });
    });
    this.#socket = socket;
  }
}

function signText(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), key).toString("base64url");
}

async function post<Body>(url: string, body: object, headers: Record<string, string> = {}): Promise<Body> {
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = (await response.json()) as Body;
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}
