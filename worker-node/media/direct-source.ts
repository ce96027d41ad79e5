/** A format that is one file behind one HTTP(S) address, as the look at the source left it: everything in it is checked here. */
import { z } from "zod";
import { parseScopedCookies, readCookieFile } from "../fetch/cookies.ts";
import type { FetchRequest } from "../fetch/fetch-file.ts";
import { readFormat } from "./ytdlp/request-info.ts";

/** More than any server's own slicing; a number out of a page is not to make requests of a few bytes each. */
const MIN_CHUNK_BYTES = 64 * 1024;

const text = z.string().nullable().catch(null).default(null);
const DirectFormat = z.object({
  url: z.url({ protocol: /^https?$/ }),
  protocol: z.enum(["http", "https"]),
  http_headers: z.record(z.string(), z.string()).catch({}).default({}),
  cookies: text,
  /** In pieces after all. */
  fragments: z.null().optional(),
  request_data: z.null().optional(),
  has_drm: z.literal(false).nullable().optional(),
  downloader_options: z
    .object({ http_chunk_size: z.number().int().min(MIN_CHUNK_BYTES).nullable().catch(null).default(null) })
    .nullable()
    .catch(null)
    .default(null),
});

export type DirectSource = Pick<FetchRequest, "url" | "headers" | "cookies" | "maxRangeBytes">;

/**
 * How a format is asked for; null when it is no single file.
 *
 * @param cookieFile A Netscape file of the job's own cookies; null when it has none.
 */
export async function directSource(
  dir: string,
  formatId: string,
  cookieFile: string | null,
): Promise<DirectSource | null> {
  const parsed = DirectFormat.safeParse(await readFormat(dir, formatId));
  if (!parsed.success) return null;
  const { url, http_headers: headers, cookies, downloader_options: limits } = parsed.data;
  const scoped = parseScopedCookies(cookies);
  const jar = cookieFile === null ? scoped : (await readCookieFile(cookieFile)).with(scoped);
  return { url, headers, cookies: jar, maxRangeBytes: limits?.http_chunk_size ?? null };
}
