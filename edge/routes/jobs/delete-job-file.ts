import { FileDeleted } from "../../../shared/contract/views/actions.ts";
import { AppError, unavailable } from "../../app-error.ts";
import { askErasure, endErasure, isErasing, markFilesDeleted } from "../../db/file-erasure.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { ObjectStore } from "../../storage/port.ts";
import type { Endpoint } from "../endpoint.ts";
import { reachStore } from "../files/file-urls.ts";
import { storeAway } from "../files/store-away.ts";
import type { AppContext } from "../http.ts";
import { accountFacts, askPartition, jobIdOf, notFound, readJobSource } from "./job-access.ts";

const D1_RETRY_SECONDS = 5;

/** `DELETE /jobs/{id}/file` (jobs API 3.9): media and side files go; the record stays. */
export const deleteJobFile: Endpoint = {
  operationId: "delete-job-file",
  method: "DELETE",
  path: "/jobs/:id/file",
  summary: "Delete a job's files",
  scope: "jobs:write",
  describe: {
    tag: "Jobs",
    id: "Id of the job",
    details: "Media, subtitles and thumbnail go, for good. The record stays `Completed`.",
    answers: [
      answer(200, "Deleted.", FileDeleted),
      refused(400, "No file, or one that was changed since.", "Job has no file to delete"),
      refused(
        503,
        "Your storage did not answer, or refuses: a repeat goes on.",
        "Storage is unavailable: AccessDenied",
        "The deletion could not be stored yet, try again",
      ),
      refused(404, "Unknown id, another account's, or no UUID.", "Job not found"),
    ],
  },
  async handler(context) {
    const id = jobIdOf(context);
    const source = await readJobSource(context, id);
    if (source === null) throw notFound();
    const files = source.files.filter((file) => file.deleted_at === null);
    const media = files.find((file) => file.kind === "media");
    const none = new AppError("invalid", "Job has no file to delete");
    // A parent's files are its children's.
    if (source.row.state !== "completed" || source.row.role === "parent" || media === undefined) throw none;
    const store = await reachStore(context.env, source.row.account_id, media.target_id);
    // Out of reach, it is none of ours any more.
    if (store === null) throw none;
    // Only the object that we wrote: one that was changed by hand is somebody's own now.
    try {
      const head = await store.head(media.store_key);
      // Nothing there, and a deletion has begun: that one broke off, and this is its repeat.
      const begun = head === null && (await isErasing(context.env.DB, media.file_id));
      if (head?.etag !== media.etag && !begun) throw none;
      await deleteFiles(context, id, files, store);
    } catch (error) {
      throw storeAway(error);
    }
    return context.json({ message: "File deleted successfully", job_id: id, deleted_key: media.path });
  },
};

/**
 * Deletes a job's files, as far as they are still those that we wrote, and frees their names. What is to go is written down
 * first, and a name goes free after D1 knows that its file is gone: another job's file may bear the same ETag. Where this
 * breaks off, a repeat goes on; for managed files so does the sweep (docs/decisions/028).
 */
export async function deleteFiles(
  context: AppContext,
  job: string,
  files: readonly FileRow[],
  store: ObjectStore,
): Promise<void> {
  const { DB } = context.env;
  const account = context.var.caller.account.id;
  const ids = files.map((file) => file.file_id);
  // A job that ended just now reaches D1 with the drain.
  await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
  const known = await askErasure(DB, ids, Date.now());
  if (known < ids.length) throw unavailable("The deletion could not be stored yet, try again", D1_RETRY_SECONDS);
  // The media file last: a repeat after a failure finds by it that there is something left to do.
  const mediaLast = files.toSorted((a, b) => Number(a.kind === "media") - Number(b.kind === "media"));
  for (const file of mediaLast) await store.delete(file.store_key, file.etag);
  const now = Date.now();
  await markFilesDeleted(DB, ids, now);
  await askPartition(context, (stub) => stub.forgetFiles([{ account, job }], now));
  await endErasure(DB, [job]);
}
