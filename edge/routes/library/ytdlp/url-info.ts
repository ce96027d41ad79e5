import { cleanText } from "../../../../shared/clean-text.ts";
import { AppError } from "../../../app-error.ts";
import { archived } from "../../../db/archives.ts";
import { archiveIdOf } from "../../../library/archive-ids.ts";
import { urlFault } from "../../../library/urls.ts";
import { errorText, makeLog } from "../../../log.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { NodeRefused } from "../ask-node.ts";
import { chosenPreset } from "./chosen-preset.ts";
import { type Looked, lookUp } from "./look-up.ts";
import { archiveFile, OptionsRefused } from "./merged-command-line.ts";

const TTL_SECONDS = 300;
const NO_INFO = "Failed to extract video info.";

/** `GET /api/yt-dlp/url/info` (library API 5.4): all that yt-dlp says of a URL. */
export const urlInfo: Endpoint = {
  operationId: "url-info",
  method: "GET",
  path: "/api/yt-dlp/url/info",
  summary: "What yt-dlp says of a URL",
  scope: "jobs:read",
  async handler(context) {
    try {
      return await answer(context);
    } catch (error) {
      if (error instanceof OptionsRefused) throw error;
      if (error instanceof AppError) throw withStatus(error);
      if (error instanceof NodeRefused) {
        return context.json({ status: false, error: `${NO_INFO} ${error.said}`, message: NO_INFO }, 500);
      }
      makeLog(context.env)("error", "request.failed", { request: context.var.requestId, error: errorText(error) });
      const message = cleanText(errorText(error), { keepToolName: true });
      return context.json({ error: "failed to get video info.", message, formats: [] }, 500);
    }
  },
};

async function answer(context: AppContext): Promise<Response> {
  const url = (context.req.query("url") ?? "").trim();
  const args = context.req.query("args") ?? "";
  const fault = url === "" ? "URL is required." : urlFault(url, context.env);
  if (fault !== null) throw new AppError("invalid", fault);
  const preset = await chosenPreset(context, context.req.query("preset"));
  const force = context.req.query("force") !== undefined;
  const looked = await lookUp(context, { url, preset, args, use: "url/info", ttlMs: TTL_SECONDS * 1_000, force });
  const { status, info, key, expiresAt } = looked;
  return context.json({
    ...withCookieHeaders(info),
    ...(await archiveFields(context, looked)),
    _cached: {
      ...{ status, preset: preset.name, cli_args: args, key, ttl: TTL_SECONDS },
      ttl_left: Math.max(0, expiresAt - Date.now()) / 1_000,
      expires: expiresAt / 1_000,
    },
  });
}

/** Under the name that clients know, too. */
function withCookieHeaders(info: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(info.formats)) return info;
  const formats = info.formats.map((format: unknown) => {
    const cookies = (format as { cookies?: unknown } | null)?.cookies;
    return cookies === undefined ? format : { ...(format as object), h_cookies: cookies };
  });
  return { ...info, formats };
}

/** As of now, whatever the cache holds. */
async function archiveFields(context: AppContext, { info, archive }: Looked): Promise<Record<string, unknown>> {
  if (archive === null) return { is_archived: false };
  const id = archiveIdOf(info);
  const scope = { account: context.var.caller.account.id, name: archive };
  const found = id !== null && (await archived(context.env.DB, scope, [id])).has(id);
  return { is_archived: found, archive_file: archiveFile(archive), archive_id: id };
}

/** This route says twice what is wrong (library API 1.5). */
function withStatus({ code, message, extras }: AppError): AppError {
  return new AppError(code, message, { ...extras, body: { status: false, message, ...extras.body } });
}
