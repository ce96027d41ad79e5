/**
 * Tickets: part URLs by which one attempt uploads one file, into whatever store the job's target names. The store is asked
 * outside the transactions; each look at the job before and after holds the attempt's token against it.
 */
import type { z } from "zod";
import type { Ticket, TicketRequest } from "../../shared/contract/fleet.ts";
import { MAX_PARTS, TICKET_URL_TTL_MS, TICKET_URLS } from "../../shared/limits.ts";
import type { BegunUpload, UploadIntent } from "../storage/port.ts";
import type { RelayGrant } from "../storage/relay-grant.ts";
import { StoreError } from "../storage/store-error.ts";
import { type FailureReport, failAttempt } from "./end.ts";
import type { LiveJob } from "./job-row.ts";
import type { Refusal } from "./node-desk.ts";
import { MANAGED_TARGET, type OpenStore } from "./targets.ts";
import type { Turn } from "./turn.ts";
import { addUpload, findUpload, type NewUpload, type UploadPlace, uploadPlace } from "./uploads.ts";

/** A begin that a passing fault of the store has cost; then the attempt fails with class *storage*. */
const BEGIN_TRIES = 2;
/** Part size of an upload that is noted and not begun. */
const NOT_BEGUN = 0;

/** One attempt and what it takes to serve it. */
export interface AttemptDesk {
  job: string;
  token: string;
  open: OpenStore;
  /** The URL of a part that passes through the edge. */
  relayUrl(origin: string, grant: Omit<RelayGrant, "partition">): Promise<string>;
  now: () => number;
  /** Leaves an upload that no attempt has to those that are aborted. */
  stray(upload: NewUpload, place: UploadPlace): void;
  /** One transaction about the attempt, if it still runs. */
  run<Result>(body: (turn: Turn, job: LiveJob) => Result): { value: Result } | Refusal;
}

type Request = z.infer<typeof TicketRequest>;
type Upload = { uploadId: string; partSize: number; storeKey: string };

/** @returns `storage_failed`: the store refused, and the attempt has ended with that. */
export async function ticket(
  desk: AttemptDesk,
  request: Request,
  origin: string,
): Promise<{ ticket: Ticket } | Refusal | "storage_failed"> {
  const { kind, language, name } = request;
  const asked = desk.run((turn, job) => ({
    place: uploadPlace(turn, job, kind, language, name),
    begun: findUpload(turn, job, desk.token, kind, language, name),
  }));
  if ("refused" in asked) return asked;
  const { place, begun } = asked.value;
  if (place === null) return { refused: "bad_request", message: "report `extracted` before asking for a ticket" };
  const upload = begun !== null && begun.partSize > 0 ? begun : await begin(desk, request, place, begun);
  if (typeof upload === "string" || "refused" in upload) return upload;
  const count = Math.min(TICKET_URLS, partCount(request.size, upload.partSize) - request.from_part + 1);
  const store = await desk.open(place.store);
  const proof = store.partDigest === null ? {} : { digest: store.partDigest };
  const expiresAt = desk.now() + TICKET_URL_TTL_MS;
  const urls = await store.presignParts({
    uploadId: upload.uploadId,
    key: upload.storeKey,
    fromPart: request.from_part,
    count: Math.max(0, count),
    partSize: upload.partSize,
    origin,
    relay: (part) => {
      const { uploadId, partSize: max } = upload;
      return desk.relayUrl(origin, { job: desk.job, uploadId, part, max, ...proof, until: expiresAt });
    },
    expiresAt,
  });
  // What passes through the edge goes to the edge.
  const leadsAway = place.store.targetId !== MANAGED_TARGET && store.putPart === undefined;
  return {
    ticket: {
      upload_id: upload.uploadId,
      kind,
      language,
      part_size: upload.partSize,
      urls,
      expires_in_ms: TICKET_URL_TTL_MS,
      ...(leadsAway ? { guarded: true } : {}),
      ...proof,
      ...(store.countsSha256 === true ? { counts_sha256: true } : {}),
    },
  };
}

/** @param noted its row, where the id was ours and the answer to an earlier begin was lost. */
async function begin(
  desk: AttemptDesk,
  { kind, language, name, size }: Request,
  place: UploadPlace,
  noted: Upload | null,
): Promise<Upload | Refusal | "storage_failed"> {
  const { job, token } = desk;
  const note = (upload: BegunUpload) =>
    desk.run((turn, held) => {
      addUpload(turn, held, { ...upload, token, kind, language, name }, place);
      return findUpload(turn, held, token, kind, language, name);
    });
  const chosen = noted ?? (await chooseId(desk, place, note));
  if (chosen !== null && "refused" in chosen) return chosen;
  const intent = { key: place.storeKey, job, token, contentType: place.contentType, size };
  const begun = await beginAt(desk, place, intent, chosen?.uploadId);
  if (begun instanceof StoreError) return storageFailed(desk, begun);
  // The store was away from the transaction: the attempt may have ended meanwhile, and then the upload must go.
  const known = note(begun);
  const row = "refused" in known ? null : known.value;
  // Two requests for the same file at once: the first row counts.
  if (row?.uploadId !== begun.uploadId) desk.stray({ ...begun, token, kind, language }, place);
  if ("refused" in known) return known;
  return row ?? { refused: "lease_lost", message: "This attempt is no longer yours: end it and publish nothing" };
}

/**
 * Notes the upload before it begins, where its id is ours: if the object ends in between, the end of the attempt takes back
 * what may have begun. Null: the store gives the ids, and a begin whose answer is lost is the adapter's to look for.
 */
async function chooseId(
  desk: AttemptDesk,
  place: UploadPlace,
  note: (upload: BegunUpload) => { value: Upload | null } | Refusal,
): Promise<Upload | Refusal | null> {
  const store = await desk.open(place.store).catch(() => null);
  const uploadId = store?.newUploadId?.();
  if (uploadId === undefined) return null;
  const noted = note({ uploadId, partSize: NOT_BEGUN });
  return "refused" in noted ? noted : noted.value;
}

/** Asks again after a passing fault; what is thrown otherwise is no answer of the store's, and the node comes back. */
async function beginAt(
  desk: AttemptDesk,
  place: UploadPlace,
  intent: UploadIntent,
  uploadId: string | undefined,
): Promise<BegunUpload | StoreError> {
  for (let tries = 1; ; tries++) {
    try {
      return await (await desk.open(place.store)).begin(intent, uploadId);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.fault !== "unavailable" || tries >= BEGIN_TRIES) return error;
    }
  }
}

/** There is no use in downloading what cannot be delivered. */
function storageFailed(desk: AttemptDesk, { code, fault, says }: StoreError): Refusal | "storage_failed" {
  const tooLarge = code === "too_large";
  const report: FailureReport = {
    class: tooLarge ? "too_large" : "storage",
    message: tooLarge ? null : `Upload failed: ${says ?? code}`,
    permanent: fault === "permanent",
    retryAfterMs: null,
  };
  const failed = desk.run((turn, held) => failAttempt(turn, held, report).state);
  return "refused" in failed ? failed : "storage_failed";
}

/** How many parts a file of this size has; an empty file has one, an unknown length as many as there may be. */
function partCount(size: number | null, partSize: number): number {
  return size === null ? MAX_PARTS : Math.max(1, Math.ceil(size / partSize));
}
