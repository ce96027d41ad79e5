/**
 * The fleet protocol, version 1: what a worker node and the edge say to each other. `docs/fleet-protocol.md` explains it;
 * these schemas decide it. Changes are additive; `features` on both sides of a session start name optional parts.
 */
import { z } from "zod";
import {
  MAX_FILE_NAME_LENGTH,
  MAX_LEASE_JOBS,
  MAX_NODE_REASON_LENGTH,
  MAX_POSTPROCESSOR_LENGTH,
  MAX_STARTS_IN_SECONDS,
  MAX_UPLOAD_ID_LENGTH,
} from "../limits.ts";
import { MAX_COOKIES_BYTES } from "../netscape-cookies.ts";
import { CallRequest } from "./calls.ts";
import { FAILURE_CLASSES } from "./failures.ts";
import { ExtractedInfo, FileKind, Manifest } from "./media.ts";
import type { JobOptions } from "./options.ts";

export const FLEET_BASE = "/fleet/v1";

/** `<epoch>.<attempt>`: fences every message of a node about a job. */
const Token = z.string().regex(/^\d{1,15}\.\d{1,15}$/);

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
const durationMs = z.int().nonnegative();

/**
 * Free room by slot class. A live recording takes `live` instead of `download`; a node that cannot record has 0 of it, or
 * ends what it gets as `unsupported`.
 */
export const Slots = z.object({
  download: z.int().min(0).max(1_000),
  live: z.int().min(0).max(1_000),
});
export type Slots = z.infer<typeof Slots>;
export const SlotClass = z.enum(["download", "live"]);
export type SlotClass = z.infer<typeof SlotClass>;

export const NodeVersions = z.object({
  node: z.string().max(100),
  ytdlp: z.string().max(100),
  ffmpeg: z.string().max(100),
  /** `command-line` or `warm-host`. */
  adapter: z.string().max(50),
  /** Version of yt-dlp's solver scripts for sites that need JavaScript; `none` without them. Absent when unknown. */
  ytdlp_ejs: z.string().max(100).optional(),
});
export type NodeVersions = z.infer<typeof NodeVersions>;

const Features = z.array(z.string().max(50)).max(50);

/** A node that has it runs jobs whose options have `library`. */
export const LIBRARY_RUN = "library-run";

/**
 * What a node can do, as the tag by which jobs ask for it. With its plus no client and no enrolment can give it: theirs are
 * `key=value`.
 */
export function featureTag(feature: string): string {
  return `+${feature}`;
}

/** The tags that a client gave its job. */
export function askedTags(tags: string): string[] {
  return (JSON.parse(tags) as string[]).filter((tag) => !tag.startsWith("+"));
}

// --- registration and sessions

export const RegisterRequest = z.object({
  enrolment: z.string().max(200),
  /** Raw Ed25519 public key, 32 bytes. */
  public_key: base64url.length(43),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/),
});
export const RegisterAnswer = z.object({ node_id: z.uuid(), name: z.string() });

export const ChallengeRequest = z.object({ node_id: z.uuid() });
export const ChallengeAnswer = z.object({ nonce: z.string().max(500) });

export const SessionRequest = z.object({
  node_id: z.uuid(),
  nonce: z.string().max(500),
  /** Ed25519 over the UTF-8 text `trawl-session-v1:<node_id>:<nonce>`. */
  signature: base64url.length(86),
  /** The session to go on with, after its key ran out; a new number is given if another session began meanwhile. */
  resume: z.int().positive().nullable(),
  slots: Slots,
  versions: NodeVersions,
  features: Features,
});
export const Intervals = z.object({
  lease_ttl_ms: durationMs,
  heartbeat_ms: durationMs,
  poll_ms: durationMs,
  progress_ms: durationMs,
});
export type Intervals = z.infer<typeof Intervals>;
export const SessionAnswer = z.object({
  session: z.int().positive(),
  /** Bearer credential of all further calls. */
  session_key: z.string(),
  /** The node asks for a fresh one (with `resume`) when this is nearly over. */
  expires_in_ms: durationMs,
  partitions: z.array(z.string()),
  intervals: Intervals,
  features: Features,
  /** Why this session gets no work (a yt-dlp that is too old), in words. Absent otherwise. */
  quiet: z.string().max(500).optional(),
});
export type SessionAnswer = z.infer<typeof SessionAnswer>;

/** Text that a node signs to open a session. */
export function sessionChallenge(nodeId: string, nonce: string): string {
  return `trawl-session-v1:${nodeId}:${nonce}`;
}

// --- leases

export const Held = z.object({ job: z.uuid(), token: Token });
export type Held = z.infer<typeof Held>;

export const HeartbeatRequest = z.object({
  /** Everything this session runs or has been offered, in this partition. */
  holding: z.array(Held).max(2_000),
  slots: Slots,
  /** `quiet` takes no more work (a drain, a full disk). */
  state: z.enum(["running", "quiet"]),
  /** Why it is quiet, in words for the operator. */
  reason: z.string().max(MAX_NODE_REASON_LENGTH).optional(),
});
export const HeartbeatAnswer = z.object({
  /** Attempts that are no longer this session's: kill their process groups, publish nothing. */
  kill: z.array(Held),
  intervals: Intervals,
  /** The operator has drained this node: finish what runs, ask for no more. Absent otherwise. */
  drain: z.boolean().optional(),
  /** With `drain`: why, if it was not the operator. */
  reason: z.string().optional(),
});
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>;

export const LeaseRequest = z.object({
  /** A repeat of the same id gets the same jobs. */
  request_id: z.uuid(),
  slots: Slots,
});
export const LeasedJob = z.object({
  job: z.uuid(),
  token: Token,
  url: z.string(),
  options: z.custom<JobOptions>((value) => typeof value === "object" && value !== null),
  max_filesize_bytes: z.int().positive().nullable(),
  max_duration_seconds: z.int().positive().nullable(),
  /** From the confirm. */
  deadline_ms: durationMs,
  /** The offer ends after this unless it is confirmed. */
  confirm_within_ms: durationMs,
  traceparent: z.string().nullable(),
  /** The slot that it takes. Absent: `download`. One that turns out to be live moves to `live`, or is released. */
  slot: SlotClass.optional(),
});
export type LeasedJob = z.infer<typeof LeasedJob>;
export const LeaseAnswer = z.object({ jobs: z.array(LeasedJob).max(MAX_LEASE_JOBS) });

export const ConfirmRequest = z.object({ token: Token });
/** Only the node that runs the job hears its cookies, and only for this attempt. */
export const ConfirmAnswer = z.object({
  state: z.string(),
  /** Netscape text of the client's: to be kept in the attempt's folder alone, and erased with it. Absent without any. */
  cookies: z.string().max(MAX_COOKIES_BYTES).optional(),
  /** The command line of a job with `library`, which no row keeps in clear: in place of the `args` that stand there. */
  args: z.array(z.string()).optional(),
});
export type ConfirmAnswer = z.infer<typeof ConfirmAnswer>;
export const ReleaseRequest = z.object({ token: Token });

// --- one attempt

/** In the order in which an attempt goes through them. */
export const STEPS = ["extract", "download", "mux", "upload"] as const;
export const Step = z.enum(STEPS);
export type Step = z.infer<typeof Step>;
export const StepRequest = z.object({ token: Token, step: Step });

const ListEntry = z.object({
  url: z.string().max(4096),
  title: z.string().max(500).nullable(),
});
export const ExtractedRequest = z.object({
  token: Token,
  result: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("single"), info: ExtractedInfo }),
    z.object({
      kind: z.literal("list"),
      title: z.string().max(500).nullable(),
      entries: z.array(ListEntry).max(1_000),
      truncated: z.boolean(),
    }),
  ]),
});
export type ExtractedRequest = z.infer<typeof ExtractedRequest>;

/** Presigned part URLs for one file. The node PUTs parts `1…n` of `part_size` bytes each, the last one shorter. */
export const Ticket = z.object({
  upload_id: z.string(),
  kind: FileKind,
  language: z.string().nullable(),
  part_size: z.int().positive(),
  urls: z.array(z.object({ part_number: z.int().positive(), url: z.string() })),
  expires_in_ms: durationMs,
  /** The URLs lead to a host that a client named: dial it through the egress guard. Absent: storage of the edge's operator. */
  guarded: z.boolean().optional(),
  /**
   * How each part proves its bytes: `content-md5`, send that header; `etag-md5`, the answer's ETag is the part's MD5 unless it
   * says that the store encrypts with a key of its own. Absent: the whole file is checked when it is committed.
   */
  digest: z.enum(["content-md5", "etag-md5"]).optional(),
  /** The store counts the SHA-256 of the whole file: the manifest may leave out that of a file whose bytes were not sent. */
  counts_sha256: z.boolean().optional(),
});
export type Ticket = z.infer<typeof Ticket>;

export const ExtractedAnswer = z.discriminatedUnion("decision", [
  z.object({
    decision: z.literal("go"),
    tickets: z.array(Ticket),
    /** From the confirm, in place of the lease's: a live recording has longer, and nobody knew before the look. */
    deadline_ms: durationMs.optional(),
  }),
  /** The job ended here (limits, a list where one item was wanted). The node drops the attempt. */
  z.object({ decision: z.literal("stop") }),
  /** The URL became a batch of its own; the node drops the attempt. */
  z.object({ decision: z.literal("expanded") }),
]);
export type ExtractedAnswer = z.infer<typeof ExtractedAnswer>;

/** Asks for a file's first part URLs (without `upload_id`) or for more of them. */
export const TicketRequest = z.object({
  token: Token,
  kind: FileKind,
  language: z.string().max(35).nullable(),
  /**
   * For a job with `library`, and only there: what yt-dlp named the file, a path below the folder that it wrote to. The media
   * file is asked for first: the others follow its name.
   */
  name: z.string().min(1).max(MAX_FILE_NAME_LENGTH).optional(),
  size: z.int().nonnegative().nullable(),
  upload_id: z.string().max(MAX_UPLOAD_ID_LENGTH).nullable(),
  from_part: z.int().min(1).max(10_000),
});
export const TicketAnswer = z.object({ ticket: Ticket });

export const CompleteRequest = z.object({ token: Token, manifest: Manifest });
/** `finishing` until the edge has committed the files; afterwards the stored outcome. Either way the node may forget. */
export const CompleteAnswer = z.object({ state: z.string() });

export const FailRequest = z.object({
  token: Token,
  class: z.enum(FAILURE_CLASSES),
  message: z.string().max(2_000),
  retry_after_seconds: z.int().nonnegative().max(86_400).nullable(),
  /** A repeat of the same attempt elsewhere cannot help (refused credentials, missing bucket). */
  permanent: z.boolean(),
  /** With `not_begun`, where the site announces a start: how long until then. */
  starts_in_seconds: z.int().nonnegative().max(MAX_STARTS_IN_SECONDS).nullable().optional(),
});
export type FailRequest = z.infer<typeof FailRequest>;

// --- the socket: only what may be lost

export const ProgressEntry = z.object({
  job: z.uuid(),
  token: Token,
  step: Step,
  /** Share of this step, 0…1; null for live without a known end. */
  fraction: z.number().min(0).max(1).nullable(),
  eta_seconds: z.int().nonnegative().nullable(),
  speed_bytes_per_second: z.int().nonnegative().nullable(),
  /** For a job with `library`, in step `mux`: what yt-dlp calls the work that it is at (`Merger`, `ExtractAudio`). */
  postprocessor: z.string().max(MAX_POSTPROCESSOR_LENGTH).optional(),
});
export type ProgressEntry = z.infer<typeof ProgressEntry>;

/** One frame carries the progress of all jobs of the node. */
export const NodeFrame = z.discriminatedUnion("type", [
  z.object({ type: z.literal("progress"), jobs: z.array(ProgressEntry).max(2_000) }),
]);
export type NodeFrame = z.infer<typeof NodeFrame>;

export const EdgeFrame = z.discriminatedUnion("type", [
  /** There is work: ask for a lease now. */
  z.object({ type: z.literal("ring") }),
  /** Send progress at this pace from now on. */
  z.object({ type: z.literal("pace"), progress_ms: durationMs }),
  /** A question with somebody waiting: answer by `POST …/calls/<call>/answer` within the deadline. */
  z.object({ type: z.literal("call"), call: z.uuid(), deadline_ms: durationMs, request: CallRequest }),
  /** These attempts are over: kill them without waiting for the next heartbeat. */
  z.object({ type: z.literal("kill"), attempts: z.array(Held) }),
]);
export type EdgeFrame = z.infer<typeof EdgeFrame>;

// --- errors

/**
 * Error codes of this protocol, in `{"error": <code>, "message": text}`.
 * `lease_lost` (409): the token is stale; kill the attempt. `session_fenced` (409): a newer session of this node exists.
 * `session_expired` (401): sign in again with `resume`. `node_revoked` (403): stop for good. `rebuilding` (503): later.
 * `call_over` (410): nobody waits for the answer to this call any more; forget it.
 */
export const FLEET_ERRORS = [
  "lease_lost",
  "session_fenced",
  "session_expired",
  "node_revoked",
  "enrolment_invalid",
  "bad_request",
  "rebuilding",
  "unavailable",
  "not_found",
  "call_over",
] as const;
export type FleetErrorCode = (typeof FLEET_ERRORS)[number];
