import { urlPolicy } from "../../env.ts";
import type { Endpoint } from "../endpoint.ts";
import { downloadIdOf, readDownloadJob, toDownloadSource } from "./download-access.ts";
import { downloadView } from "./download-view.ts";

/** `GET /api/downloads/{id}`: one task object. */
export const getDownload: Endpoint = {
  operationId: "get-download",
  method: "GET",
  path: "/api/downloads/:id",
  summary: "Read a download",
  scope: "jobs:read",
  async handler(context) {
    const source = await readDownloadJob(context, downloadIdOf(context));
    return context.json(downloadView(await toDownloadSource(context, source), urlPolicy(context.env)));
  },
};
