/** Errors of the downloads API: `{"detail": "<text>"}` and nothing beside. */
import type { AppError } from "../../app-error.ts";

/**
 * Below `/api/download/` are files of the library too (library API 9.7), but for `<id>/file`: where that is no job of the
 * account, the library's route is the one to ask.
 */
const PATHS = /^\/api\/(?:(?:downloads|info|thumbnails|stream)(?:\/|$)|download(?:\/[^/]+\/file)?\/?$)/;

/** Whether a path belongs to this surface, known or not. */
export function isDownloadsPath(path: string): boolean {
  return PATHS.test(path);
}

export function downloadsErrorResponse(error: AppError): Response {
  return Response.json({ detail: error.message }, { status: error.status, headers: { ...error.extras.headers } });
}
