/** A look at a URL with a preset and a user's own options, through the cache (library API 5.4, 7.4). */

import { toHex } from "../../../../shared/hex.ts";
import { MAX_COOKIES_BYTES } from "../../../../shared/netscape-cookies.ts";
import { AppError } from "../../../app-error.ts";
import { keepAnswer, readAnswer } from "../../../library/answers/answer-cache.ts";
import type { Preset } from "../../../library/features/presets.ts";
import type { AppContext } from "../../http.ts";
import { askForLibrary, extractionDeadlineMs } from "../ask-node.ts";
import { depsOf } from "../features/feature-call.ts";
import { badOptions, mergeCommandLine } from "./merged-command-line.ts";

export interface LookUp {
  url: string;
  preset: Preset;
  /** Command line text behind the preset's. */
  args: string;
  /** Who asks: answers of one use are none of another. */
  use: string;
  ttlMs: number;
  /** Do not look into the cache. */
  force: boolean;
}

export interface Looked {
  status: "hit" | "miss";
  info: Record<string, unknown>;
  /** SHA-256 of account, preset, URL and args. */
  key: string;
  expiresAt: number;
  /** Name of the archive in force. */
  archive: string | null;
}

/** @throws NodeRefused; AppError 400 for options, 503, 504 */
export async function lookUp(context: AppContext, asked: LookUp): Promise<Looked> {
  const { url, preset, args, use, ttlMs, force } = asked;
  const deps = depsOf(context);
  const line = mergeCommandLine([preset.cli, args], context.env);
  const key = await sha256([deps.account, preset.name, url, args]);
  const now = Date.now();
  const cacheKey = `${use} ${key}`;
  const kept = force ? null : await readAnswer<Record<string, unknown>>(deps, cacheKey, now);
  const { archive } = line;
  if (kept !== null) return { status: "hit", info: kept.value, key, expiresAt: kept.expiresAt, archive };

  const { cookies } = preset;
  if (new TextEncoder().encode(cookies).length > MAX_COOKIES_BYTES) {
    throw new AppError("invalid", `Cookies are too large (max ${MAX_COOKIES_BYTES / 1024} KiB).`);
  }
  const request = { kind: "info", url, args: line.nodeArgs, ...(cookies === "" ? {} : { cookies }) } as const;
  const { refused, info } = await askForLibrary(context, request, await extractionDeadlineMs(context));
  if (refused !== null) throw badOptions(refused);
  if (info === null) throw new Error("a node took the options and brought no info");
  const at = Date.now();
  return { status: "miss", info, key, expiresAt: await keepAnswer(deps, cacheKey, info, ttlMs, at), archive };
}

/** JSON, so that no two questions read alike. */
async function sha256(parts: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
