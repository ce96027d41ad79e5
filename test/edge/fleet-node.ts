/** A worker node as the edge tests need it: it speaks the fleet protocol by hand, one call at a time. */
import { expect } from "vitest";
import { FLEET_BASE, type LeasedJob, type SessionAnswer, sessionChallenge } from "../../shared/contract/fleet.ts";
import { toHex } from "../../shared/hex.ts";
import { type Account, type Answer, admin, call, type Json, ORIGIN, send } from "./support.ts";

export const PARTITION = "p1:auto:0";
export const PARTITION_PATH = partitionPath(PARTITION);

function partitionPath(name: string): string {
  return `${FLEET_BASE}/partitions/${encodeURIComponent(name)}`;
}

const SLOTS = { download: 4, live: 8 };
const VERSIONS = { node: "24.0.0", ytdlp: "2026.10.26", ffmpeg: "7.1", adapter: "command-line" };

export function base64Url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** An enrolment token. */
export async function enrolment(body: Json = {}): Promise<string> {
  const made = await admin<{ token: string }>("POST", "/admin/enrolments", body);
  expect(made.status).toBe(201);
  return made.body.token;
}

export class TestNode {
  readonly publicKey: string;
  readonly #privateKey: CryptoKey;
  id = "";
  session: SessionAnswer | null = null;
  /** The one that its calls go to. */
  partition = PARTITION;

  private constructor(publicKey: string, privateKey: CryptoKey) {
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  static async create(): Promise<TestNode> {
    const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"])) as CryptoKeyPair;
    const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    return new TestNode(base64Url(raw), pair.privateKey);
  }

  /** Registered and with an open session, serving one account only. */
  static async online(account: Account, tags: string[] = [], features: string[] = []): Promise<TestNode> {
    const node = await TestNode.create();
    const registered = await node.register(await enrolment({ account_id: account.id, tags }));
    expect(registered.status).toBe(201);
    await node.open(null, features);
    return node;
  }

  async register(token: string, name = "fra-07"): Promise<Answer> {
    const body = { enrolment: token, public_key: this.publicKey, name };
    const answer = await send("POST", `${FLEET_BASE}/register`, body);
    if (answer.status === 201) this.id = String(answer.body.node_id);
    return answer;
  }

  async challenge(): Promise<string> {
    const answer = await send<{ nonce: string }>("POST", `${FLEET_BASE}/challenge`, { node_id: this.id });
    expect(answer.status).toBe(200);
    return answer.body.nonce;
  }

  async sign(text: string): Promise<string> {
    return base64Url(await crypto.subtle.sign({ name: "Ed25519" }, this.#privateKey, new TextEncoder().encode(text)));
  }

  /** Asks for a session; `changes` go over the honest body. */
  async askSession(changes: Json = {}): Promise<Answer> {
    const nonce = await this.challenge();
    const signature = await this.sign(sessionChallenge(this.id, nonce));
    const body = { node_id: this.id, nonce, signature, resume: null, slots: SLOTS, versions: VERSIONS, features: [] };
    return send("POST", `${FLEET_BASE}/sessions`, { ...body, ...changes });
  }

  async open(resume: number | null = null, features: string[] = []): Promise<SessionAnswer> {
    const answer = await this.askSession({ resume, features });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    this.session = answer.body as unknown as SessionAnswer;
    return this.session;
  }

  /** A call below the partition's path, with the session's key. */
  call(path: string, body: unknown, key = this.session?.session_key ?? ""): Promise<Answer> {
    return send("POST", `${partitionPath(this.partition)}/${path}`, body, { authorization: `Bearer ${key}` });
  }

  heartbeat(holding: Json[] = []): Promise<Answer> {
    return this.call("heartbeat", { holding, slots: SLOTS, state: "running" });
  }

  async lease(requestId: string = crypto.randomUUID(), download = 4): Promise<LeasedJob[]> {
    const answer = await this.call("lease", { request_id: requestId, slots: { download, live: 0 } });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return (answer.body as unknown as { jobs: LeasedJob[] }).jobs;
  }

  /** Its socket, and the first frame that comes over it. */
  async connect(): Promise<{ socket: WebSocket; first: Promise<Json> }> {
    const headers = { upgrade: "websocket", authorization: `Bearer ${this.session?.session_key}` };
    const { status, webSocket } = await call(`${PARTITION_PATH}/socket`, { headers });
    expect(status).toBe(101);
    if (webSocket === null) throw new Error("no socket");
    const { promise: first, resolve } = Promise.withResolvers<Json>();
    webSocket.addEventListener("message", (message) => resolve(JSON.parse(String(message.data)) as Json));
    webSocket.accept();
    return { socket: webSocket, first };
  }

  /** Leases and confirms the one job that waits. */
  async take(): Promise<LeasedJob> {
    const [job] = await this.lease();
    if (job === undefined) throw new Error("nothing was leased");
    const confirmed = await this.job(job, "confirm");
    expect(confirmed.status, JSON.stringify(confirmed.body)).toBe(200);
    return job;
  }

  /** A call about one attempt. */
  job(job: Pick<LeasedJob, "job" | "token">, name: string, body: Json = {}): Promise<Answer> {
    return this.call(`jobs/${job.job}/${name}`, { token: job.token, ...body });
  }

  /** From `extracted` to `complete`, with these bytes as the media file; `effective` is where it is other than asked. */
  async deliver(job: LeasedJob, bytes: string, info: Json = {}, effective: Json = {}): Promise<Answer> {
    const extracted = await this.job(job, "extracted", {
      result: { kind: "single", info: extractedInfo({ size_estimate: bytes.length, ...info }) },
    });
    expect(extracted.body).toMatchObject({ decision: "go", tickets: [{ kind: "media" }] });
    const [ticket] = (extracted.body as unknown as { tickets: Ticket[] }).tickets;
    const put = await putPart(ticket?.urls[0]?.url ?? "", bytes, ticket?.digest);
    expect(put.status).toBe(200);
    const manifest = await manifestOf(ticket?.upload_id ?? "", bytes, put.headers.get("etag") ?? "");
    return this.job(job, "complete", {
      manifest: { ...manifest, effective: { ...(manifest.effective as Json), ...effective } },
    });
  }
}

/** To the edge, or straight into somebody's bucket. @param digest as the ticket names it */
export async function putPart(target: string, body: string, digest?: string): Promise<Response> {
  const url = new URL(target);
  const init = {
    method: "PUT",
    body,
    headers: digest === "content-md5" ? { "content-md5": await md5Base64(new TextEncoder().encode(body)) } : {},
  };
  return url.origin === ORIGIN ? call(url.pathname + url.search, init) : fetch(url, init);
}

/** As `Content-MD5` has it. */
export async function md5Base64(bytes: Uint8Array): Promise<string> {
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("MD5", bytes as BufferSource))));
}

interface Ticket {
  upload_id: string;
  digest?: string;
  urls: { url: string }[];
}

export function extractedInfo(changes: Json = {}): Json {
  return {
    extractor: "fixture",
    source_id: "v1",
    title: "A talk",
    description: "Recorded on stage",
    release_date: "2026-10-25T00:00:00Z",
    uploader: null,
    thumbnail_url: null,
    duration_seconds: 3,
    is_live: false,
    width: 1920,
    height: 1080,
    native_video_codec: "avc1",
    native_audio_codec: "mp4a",
    size_estimate: 100,
    extract_duration_ms: 12,
    ...changes,
  };
}

export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)));
}

export async function manifestOf(uploadId: string, bytes: string, etag: string): Promise<Json> {
  const encoded = new TextEncoder().encode(bytes);
  const sha256 = await sha256Hex(encoded);
  const size = encoded.length;
  return {
    files: [
      { upload_id: uploadId, kind: "media", language: null, size, sha256, parts: [{ part_number: 1, etag, size }] },
    ],
    telemetry: TELEMETRY,
    effective: {
      video_codec: null,
      audio_codec: null,
      actual_clip_start: null,
      actual_clip_end: null,
      duration_seconds: 3,
    },
  };
}

const TELEMETRY = {
  precheck_duration_ms: null,
  extract_duration_ms: 12,
  download_duration_ms: 42,
  subtitle_duration_ms: null,
  mux_duration_ms: null,
  file_move_ms: null,
  upload_duration_ms: 21,
  io_wait_ms: null,
  cpu_wait_ms: null,
  upload_wait_ms: 0,
  download_speed_mbps: 15,
  upload_speed_mbps: 30,
  download_strategy: "native",
  cascade_total_attempts: 1,
  download_retries: 0,
  upload_retries: 0,
  native_video_codec: "avc1",
  native_audio_codec: "mp4a",
  actual_quality: "1080p",
};
