/** Where one format of the last look lies, for what we fetch ourselves. */
import { z } from "zod";
import { MAX_URL_LENGTH } from "../../../shared/limits.ts";
import { readFormat } from "./request-info.ts";

export interface FormatAddress {
  url: string;
  /** What the site wants to see with each request; a secret of the attempt where it carries cookies. */
  headers: Record<string, string>;
}

/** Set by the connection itself, never by a site's description of its media. */
const OWN_HEADERS = new Set(["host", "connection", "content-length", "transfer-encoding", "accept-encoding", "range"]);
const MAX_HEADERS = 30;
/** Signed addresses of some sites carry their whole policy. */
const MAX_MEDIA_URL_LENGTH = 4 * MAX_URL_LENGTH;

const RawFormat = z.object({
  url: z.string().max(MAX_MEDIA_URL_LENGTH),
  http_headers: z.record(z.string(), z.unknown()).catch({}).default({}),
});

/** Null when the last look knows no such format, or it has no address of its own. */
export async function formatAddress(dir: string, formatId: string): Promise<FormatAddress | null> {
  const parsed = RawFormat.safeParse(await readFormat(dir, formatId));
  if (!parsed.success || !URL.canParse(parsed.data.url)) return null;
  const headers = Object.entries(parsed.data.http_headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    const fits = /^[a-z0-9-]{1,64}$/.test(lower) && typeof value === "string" && /^[\x20-\x7e]{0,4096}$/.test(value);
    return fits && !OWN_HEADERS.has(lower) ? [[lower, value] as const] : [];
  });
  return { url: parsed.data.url, headers: Object.fromEntries(headers.slice(0, MAX_HEADERS)) };
}
