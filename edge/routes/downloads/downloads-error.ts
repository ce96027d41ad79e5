/** Errors of the downloads API: `{"detail": "<text>"}` and nothing beside. */
import type { AppError } from "../../app-error.ts";

const PATHS = /^\/api\/(?:downloads|info|thumbnails|stream)(?:\/|$)/;
/** Below it lie the files of the library API, but for the one of a task. */
const DOWNLOAD = /^\/api\/download(?:\/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\/file)?\/?$/i;

/** Whether a path belongs to this surface, known or not. */
export function isDownloadsPath(path: string): boolean {
  return PATHS.test(path) || DOWNLOAD.test(path);
}

export function downloadsErrorResponse(error: AppError): Response {
  return Response.json({ detail: error.message }, { status: error.status, headers: { ...error.extras.headers } });
}
