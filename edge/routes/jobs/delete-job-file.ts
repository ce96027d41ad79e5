import { FileDeleted } from "../../../shared/contract/views/actions.ts";
import { AppError } from "../../app-error.ts";
import { markFilesDeleted } from "../../db/jobs.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { FileRow } from "../../partition/drain.ts";
import type { ObjectStore } from "../../storage/port.ts";
import type { Endpoint } from "../endpoint.ts";
import { reachStore } from "../files/file-urls.ts";
import { storeAway } from "../files/store-away.ts";
import type { AppContext } from "../http.ts";
import { askPartition, jobIdOf, notFound, readJobSource } from "./job-access.ts";

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
      if (head?.etag !== media.etag) throw none;
      await deleteFiles(context, id, files, store);
    } catch (error) {
      throw storeAway(error);
    }
    return context.json({ message: "File deleted successfully", job_id: id, deleted_key: media.path });
  },
};

/** Deletes a job's files, as far as they are still those that we wrote, and frees their names. A repeat does no harm. */
export async function deleteFiles(
  context: AppContext,
  job: string,
  files: readonly FileRow[],
  store: ObjectStore,
): Promise<void> {
  // The media file last: a repeat after a failure finds by it that there is something left to do.
  const mediaLast = files.toSorted((a, b) => Number(a.kind === "media") - Number(b.kind === "media"));
  for (const file of mediaLast) await store.delete(file.store_key, file.etag);
  const now = Date.now();
  const account = context.var.caller.account.id;
  const ids = files.map((file) => file.file_id);
  await askPartition(context, (stub) => stub.forgetFiles(account, job, now));
  await markFilesDeleted(context.env.DB, ids, now);
}
