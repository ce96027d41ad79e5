/** Errors of the downloads API: `{"detail": "<text>"}` and nothing beside. */
import type { AppError } from "../../app-error.ts";

const PATHS = /^\/api\/(?:downloads?|info|thumbnails|stream)(?:\/|$)/;

/** Whether a path belongs to this surface, known or not. */
export function isDownloadsPath(path: string): boolean {
  return PATHS.test(path);
}

export function downloadsErrorResponse(error: AppError): Response {
  return Response.json({ detail: error.message }, { status: error.status, headers: { ...error.extras.headers } });
}
