import { readHistory, whereIsJob } from "../../db/any-job.ts";
import { jobIdOf, notFound } from "../jobs/job-access.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { askOne } from "./ask-partitions.ts";
import { jobHistoryView } from "./job-history-view.ts";

/** D1 tells the history; the partition first makes sure that it is up to date, and says how far a running attempt is. */
export const getJobHistory = adminEndpoint(
  "get-job-history",
  "GET",
  "/admin/jobs/:id",
  "Any job with its attempts, secrets redacted",
  async (context) => {
    const { env } = context;
    const id = jobIdOf(context);
    const place = await whereIsJob(env.DB, id);
    if (place === null) throw notFound();
    const live =
      place.partition === null
        ? null
        : await askOne(env, place.partition, async (stub) => stub.adminJobProgress(place.account, id));
    const history = await readHistory(env.DB, id);
    if (history === null) throw notFound();
    return context.json(jobHistoryView(history, live));
  },
);
