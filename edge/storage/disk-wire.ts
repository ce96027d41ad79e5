/** What the Worker and the disk store service say to each other: `POST /control/<call>` with a JSON body. */
import { z } from "zod";
import { UploadedPart } from "../../shared/contract/media.ts";
import { MAX_PARTS } from "../../shared/limits.ts";

/** Longest key in UTF-16 units: PATH_MAX of Linux is 4,096 bytes. */
const MAX_KEY_LENGTH = 2_048;
const MAX_TOKEN_LENGTH = 64;
/** Names looked at for one page of a folder: as many are a few hundred kilobytes of JSON. */
export const MAX_LISTED = 1_000;
/** Files and folders that one call takes away with a folder. */
export const MAX_CLEARED = 1_000;

const Key = z.string().min(1).max(MAX_KEY_LENGTH);
const UploadId = z.string().max(500);
const Bytes = z.int().nonnegative();
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Intent = z.object({
  key: Key,
  job: z.string().min(1).max(100),
  token: z.string().min(1).max(MAX_TOKEN_LENGTH),
  content_type: z.string().max(200),
});

export const BeginCall = Intent.extend({
  /** Chosen by the edge; a repeat with the same one begins nothing anew. Absent from an edge of before. */
  upload_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  size: Bytes.nullable(),
});
/** A folder of the key's in which nothing can be made, as a key; "" is the downloads folder itself. */
const ReadOnlyFolder = z.string().max(MAX_KEY_LENGTH);
export const BeginAnswer = z.union([
  z.object({ upload_id: UploadId, part_size: z.int().positive() }),
  z.object({ read_only: ReadOnlyFolder }),
]);

export const CommitCall = Intent.extend({
  upload_id: UploadId,
  size: Bytes,
  /** Null: nobody else has counted it. */
  sha256: Sha256.nullable(),
  parts: z.array(UploadedPart).max(MAX_PARTS),
});
export const CommitAnswer = z.discriminatedUnion("kind", [
  /** `sha256` is the store's own count; commits of before tell none. */
  z.object({
    kind: z.literal("committed"),
    key: Key,
    size: Bytes,
    etag: z.string(),
    sha256: Sha256.optional(),
  }),
  z.object({ kind: z.literal("taken") }),
  z.object({
    kind: z.literal("refused"),
    code: z.string(),
    permanent: z.boolean(),
    read_only: ReadOnlyFolder.optional(),
  }),
  z.object({ kind: z.literal("unavailable"), code: z.string() }),
]);

export const AbortCall = z.object({ upload_id: UploadId });
export const HeadCall = z.object({ key: Key });
export const HeadAnswer = z.object({ size: Bytes, etag: z.string(), last_modified: Bytes });
export const ReadCall = z.object({
  key: Key,
  range: z.object({ offset: Bytes, length: Bytes }).nullable(),
  /** Null: whatever lies there. */
  etag: z.string().max(200).nullable(),
});
export const DeleteCall = z.object({ key: Key, etag: z.string().max(200) });
export const DeleteAnswer = z.object({ deleted: z.boolean() });
export const RenameCall = z.object({ from: Key, to: Key, etag: z.string().max(200) });
export const RenameAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("renamed"), etag: z.string() }),
  z.object({ kind: z.literal("taken") }),
  z.object({ kind: z.literal("gone") }),
  z.object({ kind: z.literal("refused"), code: z.string() }),
]);
/** A folder's key; empty: the downloads folder itself. */
const FolderKey = z.string().max(MAX_KEY_LENGTH);
export const ListCall = z.object({
  folder: FolderKey,
  /** The name that the page before ended with. */
  after: z.string().max(MAX_KEY_LENGTH).nullable(),
  limit: z.int().min(1).max(MAX_LISTED),
});
/** Null: there is no such folder. `next`: what to go on after. */
export const ListAnswer = z
  .object({
    entries: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(["file", "dir"]),
        size: Bytes,
        etag: z.string(),
        /** Unix time, milliseconds. */
        mtime: z.int(),
        ctime: z.int(),
      }),
    ),
    next: z.string().nullable(),
  })
  .nullable();
export const MakeFolderCall = z.object({ key: Key });
export const MakeFolderAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("made") }),
  z.object({ kind: z.literal("taken") }),
  z.object({ kind: z.literal("refused"), code: z.string() }),
]);
export const MoveFolderCall = z.object({ from: Key, to: Key });
export const MoveFolderAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("moved") }),
  z.object({ kind: z.literal("taken") }),
  z.object({ kind: z.literal("gone") }),
  z.object({ kind: z.literal("refused"), code: z.string() }),
]);
export const ClearFolderCall = z.object({ key: Key, limit: z.int().min(1).max(MAX_CLEARED) });
export const ClearFolderAnswer = z.object({ done: z.boolean() });
export const SweepCall = z.object({ now: Bytes });
export const SweepAnswer = z.object({ removed: Bytes });

export type BeginCall = z.infer<typeof BeginCall>;
export type CommitCall = z.infer<typeof CommitCall>;
export type CommitAnswer = z.infer<typeof CommitAnswer>;
export type ListAnswer = z.infer<typeof ListAnswer>;
export type MakeFolderAnswer = z.infer<typeof MakeFolderAnswer>;
export type MoveFolderAnswer = z.infer<typeof MoveFolderAnswer>;
export type RenameAnswer = z.infer<typeof RenameAnswer>;
