import { SESSION_KEY_TTL_MS } from "../../../../shared/limits.ts";
import { AppError } from "../../../app-error.ts";
import { findOptions, putOptions } from "../../../db/library-answers.ts";
import { ytDlpVersion } from "../../../db/nodes.ts";
import { isIgnored, type ShownOption, shownOptions } from "../../../library/command-line/shown-options.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { askForLibrary, NodeRefused } from "../ask-node.ts";

type Options = readonly Pick<ShownOption, "flags" | "description" | "group">[];

/** `GET /api/yt-dlp/options` (library API 5.5): every option that yt-dlp shows, in its order. */
export const listOptions: Endpoint = {
  operationId: "list-options",
  method: "GET",
  path: "/api/yt-dlp/options",
  summary: "The options of yt-dlp",
  scope: "jobs:read",
  async handler(context) {
    const options = await allOptions(context);
    // Marked here and not in the cache: what may be given is the edge's word, and may change with it.
    return context.json(
      options.map(({ flags, description, group }) => ({ flags, description, group, ignored: isIgnored(flags) })),
    );
  },
};

/** Of the account's newest yt-dlp; without a node, of the last one that was asked, else of the one whose list is shipped. */
async function allOptions(context: AppContext): Promise<Options> {
  const { env } = context;
  const account = context.var.caller.account.id;
  const now = Date.now();
  const version = await ytDlpVersion(env.DB, account, now - SESSION_KEY_TTL_MS);
  const known = version === null ? null : await findOptions(env.DB, account, version);
  if (known !== null) return JSON.parse(known) as Options;
  try {
    const answer = await askForLibrary(context, { kind: "options" });
    await putOptions(env.DB, account, answer.version, JSON.stringify(answer.options), now);
    return answer.options;
  } catch (error) {
    if (!(error instanceof AppError || error instanceof NodeRefused)) throw error;
    const last = await findOptions(env.DB, account, null);
    return last === null ? shownOptions() : (JSON.parse(last) as Options);
  }
}
