import { Metadata } from "../../../shared/contract/views/lookups.ts";
import { CALL_ANSWERS } from "../../openapi/call-answers.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { URL_REFUSALS } from "../../openapi/field-refusals.ts";
import type { Endpoint } from "../endpoint.ts";
import { LookBody, lookAt } from "./look.ts";

/** `POST /metadata` (jobs API 5): what a URL is, without a download. */
export const getMetadata: Endpoint = {
  operationId: "get-metadata",
  method: "POST",
  path: "/metadata",
  summary: "Look at a URL",
  scope: "jobs:write",
  describe: {
    tag: "Look",
    details: "Answered by a worker node within 30 s.",
    body: { schema: LookBody, required: true },
    answers: [
      answer(200, "What the source says.", Metadata),
      refused(400, "A bad field.", ...URL_REFUSALS),
      ...CALL_ANSWERS,
    ],
  },
  async handler(context) {
    const look = await lookAt(context);
    return context.json({
      title: look.title,
      duration: look.duration,
      width: look.width,
      height: look.height,
      extractor: look.extractor,
      uploader: look.uploader,
      thumbnail: look.thumbnail,
      description: look.description,
      view_count: look.view_count,
      like_count: look.like_count,
      upload_date: look.upload_date,
      filesize_approx: look.filesize_approx,
    });
  },
};
