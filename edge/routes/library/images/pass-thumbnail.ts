import { AppError } from "../../../app-error.ts";
import { urlPolicy } from "../../../env.ts";
import { urlFault } from "../../../library/urls.ts";
import { readPicture } from "../../downloads/picture.ts";
import type { Endpoint } from "../../endpoint.ts";
import { fetchGuarded } from "../../fetch-guarded.ts";

const YEAR_SECONDS = 31_536_000;
/** What is said of a source that gives no picture, or none at all. */
const NO_PICTURE = 502;

/** `GET /api/thumbnail?url=`: a picture of another site, passed on (library API 9.9). */
export const passThumbnail: Endpoint = {
  operationId: "pass-thumbnail",
  method: "GET",
  path: "/api/thumbnail",
  summary: "A picture of another site",
  scope: "jobs:read",
  unmetered: true,
  async handler(context) {
    const url = context.req.query("url") ?? "";
    if (url === "") throw new AppError("forbidden", "URL is required.");
    const fault = urlFault(url, context.env);
    if (fault !== null) throw new AppError("forbidden", fault);
    const response = await fetchGuarded(url, urlPolicy(context.env), "image/*");
    const type = response?.headers.get("content-type") ?? "";
    if (response === null || response.status !== 200 || !/^image\/[\w.+-]+/i.test(type)) {
      await response?.body?.cancel();
      return failed(response === null || response.status < 400 ? NO_PICTURE : response.status);
    }
    const bytes = response.body === null ? null : await readPicture(response.body).catch(() => null);
    if (bytes === null) return failed(NO_PICTURE);
    const headers = {
      "Content-Type": type,
      "Content-Length": String(bytes.length),
      // An SVG can run scripts, and this is our own origin.
      "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": `private, max-age=${YEAR_SECONDS}`,
      Expires: new Date(Date.now() + YEAR_SECONDS * 1000).toUTCString(),
    };
    return new Response(context.req.method === "HEAD" ? null : bytes, { headers });
  },
};

function failed(status: number): Response {
  return Response.json({ error: "failed to retrieve the thumbnail." }, { status });
}
