/** Arguments as yt-dlp's own parser reads them (library API 5.1, 5.2): a call, or the cache. */
import type { ParseOptionsResult } from "../../../../shared/contract/ytdlp-calls.ts";
import { SESSION_KEY_TTL_MS } from "../../../../shared/limits.ts";
import { ytDlpVersion } from "../../../db/nodes.ts";
import { keepAnswer, readAnswer } from "../../../library/answers/answer-cache.ts";
import type { AppContext } from "../../http.ts";
import { askForLibrary } from "../ask-node.ts";
import { depsOf } from "../features/feature-call.ts";
import { badOptions } from "./merged-command-line.ts";

/** One version reads a text in one way for ever; what nobody asks for any more makes room. */
const TTL_MS = 24 * 60 * 60_000;

/**
 * @param args checked: none of them is a refused one.
 * @throws OptionsRefused with the parser's complaint; NodeRefused; AppError 503, 504
 */
export async function parsedOptions(context: AppContext, args: readonly string[]): Promise<ParseOptionsResult> {
  const deps = depsOf(context);
  const now = Date.now();
  const keyOf = (version: string) => JSON.stringify(["parse", version, args]);
  const version = await ytDlpVersion(deps.env.DB, deps.account, now - SESSION_KEY_TTL_MS);
  const kept = version === null ? null : await readAnswer<ParseOptionsResult>(deps, keyOf(version), now);
  const parsed = kept?.value ?? (await askForLibrary(context, { kind: "parse_options", args: [...args] }));
  if (kept === null) await keepAnswer(deps, keyOf(parsed.version), parsed, TTL_MS, now);
  if (parsed.refused !== null) throw badOptions(parsed.refused);
  return parsed;
}
