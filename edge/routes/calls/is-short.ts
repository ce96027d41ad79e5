import { ShortVerdict } from "../../../shared/contract/views/lookups.ts";
import { AppError } from "../../app-error.ts";
import { CALL_ANSWERS } from "../../openapi/call-answers.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { URL_REFUSALS } from "../../openapi/field-refusals.ts";
import type { Endpoint } from "../endpoint.ts";
import { namesYoutubeVideo } from "../jobs/url-kind.ts";
import { LookBody, lookAt } from "./look.ts";

/** `POST /is-short` (jobs API 5): whether a YouTube video is vertical. */
export const isShort: Endpoint = {
  operationId: "is-short",
  method: "POST",
  path: "/is-short",
  summary: "Tell a YouTube Short from a video",
  scope: "jobs:write",
  describe: {
    tag: "Look",
    details: "YouTube only: `watch?v=`, `youtu.be/`, `/shorts/`, `/embed/`. Answered by a worker node within 30 s.",
    body: { schema: LookBody, required: true },
    answers: [
      answer(200, "The verdict.", ShortVerdict),
      refused(400, "A bad field.", ...URL_REFUSALS, { error: "URL must be a YouTube video URL", field: "url" }),
      ...CALL_ANSWERS,
    ],
  },
  async handler(context) {
    const look = await lookAt(context, (url) => {
      if (!namesYoutubeVideo(url)) throw new AppError("invalid", "URL must be a YouTube video URL", { field: "url" });
    });
    const { width, height } = look;
    const short = width !== null && height !== null && height > width;
    return context.json({
      is_short: short,
      video_type: look.is_live ? "live" : short ? "short" : "video",
      width,
      height,
      aspect_ratio:
        width === null || height === null || width === 0 ? null : Math.round((height / width) * 1000) / 1000,
      duration_seconds: look.duration,
    });
  },
};
