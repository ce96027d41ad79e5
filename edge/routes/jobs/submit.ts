/** The way of every create into the partition: idempotency, quota, insertion, acknowledgement (jobs API 1.4). */
import { AppError, unavailable } from "../../app-error.ts";
import { sha256Hex } from "../../auth/api-keys.ts";
import { insertInlineTarget } from "../../db/targets.ts";
import type { NewBatch } from "../../partition/batches.ts";
import type { NewJob } from "../../partition/create.ts";
import type { IdempotencyKey, IdempotencyStart } from "../../partition/idempotency.ts";
import type { TargetRow } from "../../partition/targets.ts";
import type { AppContext } from "../http.ts";
import { accountFacts, askPartition, keyFacts } from "./job-access.ts";
import { assertQuota } from "./quota.ts";

const QUEUE_FULL_RETRY_SECONDS = 30;
const D1_RETRY_SECONDS = 5;
const HEADER = "x-idempotency-key";
const KEY_FORM = /^[\x20-\x7e]{1,255}$/;

export interface Submission {
  jobs: NewJob[];
  batch: NewBatch | null;
  /** Of inline storage. */
  target?: TargetRow | null;
  /** The answer's body. */
  answer: object;
}

export interface SubmitOptions {
  /** The status of a create that is no replay. Defaults to 201. */
  created?: 200 | 201;
  /** What is held against the request before the quota is: the state of what it names. */
  before?: () => Promise<void>;
}

/**
 * Runs one create. A replay of its idempotency key answers 200 with the first body and `cached`; a failure frees the key.
 *
 * @param raw the parsed body, as the client sent it: what the fingerprint is taken over.
 * @param prepare does what comes after the quota check: expansion, ids.
 */
export async function submit(
  context: AppContext,
  raw: Record<string, unknown>,
  prepare: () => Promise<Submission>,
  { created = 201, before = async () => {} }: SubmitOptions = {},
): Promise<Response> {
  const key = await idempotencyKey(context, raw);
  if (key !== null) {
    const replay = await startIdempotent(context, key);
    if (replay !== null) return context.json({ ...(JSON.parse(replay) as object), cached: true }, 200);
  }
  try {
    await before();
    await assertQuota(context);
    const submission = await prepare();
    await insert(context, submission, key);
    return context.json(submission.answer, created);
  } catch (error) {
    if (key !== null) await askPartition(context, (stub) => stub.freeKey(key)).catch(() => {});
    throw error;
  }
}

async function insert(
  context: AppContext,
  { jobs, batch, target = null, answer }: Submission,
  key: IdempotencyKey | null,
): Promise<void> {
  const account = accountFacts(context);
  // Before the jobs: a partition that is rebuilt from D1 has to find it.
  if (target !== null) await insertInlineTarget(context.env.DB, account.id, target, Date.now());
  const marked = jobs.map((job) =>
    key === null ? job : { ...job, idempotency_key: key.key, idempotency_fingerprint: key.fingerprint },
  );
  const result = await askPartition(context, (stub) =>
    stub.create({
      account,
      key: keyFacts(context),
      jobs: marked,
      batch,
      target,
      idempotency: key === null ? null : { key, body: JSON.stringify(answer) },
    }),
  );
  switch (result) {
    case "created":
      return;
    case "full":
      throw queueFull();
    case "unavailable":
      throw unavailable("The job could not be stored yet, try again", D1_RETRY_SECONDS);
    case "lost_key":
      throw inProgress();
  }
}

/** Asked before what takes a while; how many jobs there are is decided at the insertion. */
export async function assertRoom(context: AppContext): Promise<void> {
  const [account, key] = [accountFacts(context), keyFacts(context)];
  if (!(await askPartition(context, async (stub) => stub.hasRoom(account, key)))) throw queueFull();
}

function queueFull(): AppError {
  return unavailable("Queue is full", QUEUE_FULL_RETRY_SECONDS);
}

async function idempotencyKey(context: AppContext, raw: Record<string, unknown>): Promise<IdempotencyKey | null> {
  const key = context.req.header(HEADER);
  if (key === undefined) return null;
  if (!KEY_FORM.test(key)) {
    throw new AppError("invalid", `${HEADER} must be 1 to 255 printable ASCII characters`, { field: HEADER });
  }
  const { caller } = context.var;
  const text = `${context.req.method} ${context.req.path}\n${canonicalJson(raw)}`;
  return {
    account: caller.account.id,
    keyId: caller.keyId,
    key,
    fingerprint: await sha256Hex(text),
    owner: crypto.randomUUID(),
  };
}

/** The first body of this key, as JSON text, or null when this request is the first. */
async function startIdempotent(context: AppContext, key: IdempotencyKey): Promise<string | null> {
  const start: IdempotencyStart | { kind: "unavailable" } = await askPartition(context, async (stub) =>
    stub.beginIdempotent(key),
  );
  switch (start.kind) {
    case "run":
      return null;
    case "replay":
      return start.body;
    case "mismatch":
      throw new AppError("unprocessable", "Idempotency key was used with a different request");
    case "running":
      throw inProgress();
    case "unavailable":
      throw unavailable("The job could not be stored yet, try again", D1_RETRY_SECONDS);
  }
}

function inProgress(): AppError {
  return new AppError("conflict", "A request with this idempotency key is still in progress", {
    headers: { "Retry-After": "1" },
  });
}

/** JSON with sorted keys: white space and key order do not matter. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${entries.join(",")}}`;
}
