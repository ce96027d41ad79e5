/** One call from its question to its answer, in a folder and on an egress attempt of its own, as an attempt has them. */
import { join } from "node:path";
import type { CallAnswer, CallRequest, CallResult } from "../../shared/contract/calls.ts";
import { MAX_LOG_LINE_LENGTH, MAX_LOG_LINES } from "../../shared/contract/ytdlp-calls.ts";
import type { EgressOptions } from "../egress/policy.ts";
import type { EgressAttempt, EgressProxy } from "../egress/proxy.ts";
import type { Log } from "../log.ts";
import { writeCookies } from "../media/cookies.ts";
import type { MediaFailure } from "../media/failure.ts";
import { classifyError } from "../media/failures.ts";
import { userProxy } from "../media/library/user-proxy.ts";
import type { YtDlp, YtDlpContext } from "../media/ytdlp/port.ts";
import { makeFolder, type ToolUsers } from "../process/confine.ts";
import { recordGroups, removeAttempt } from "../process/leftovers.ts";
import type { CallFrame } from "./calls.ts";
import { expand } from "./expand.ts";
import { fitAnswer } from "./fit-answer.ts";
import { look } from "./look.ts";
import { resolveShow } from "./spotify/resolve-show.ts";
import type { ResolvedShowServices } from "./spotify/services.ts";
import { answerAboutYtDlp } from "./ytdlp-questions.ts";

export interface CallDeps {
  ytdlp: YtDlp;
  egress: EgressProxy;
  /** What our own requests may reach; the same as behind `egress`. */
  guard: EgressOptions;
  shows: ResolvedShowServices;
  /** Folder of all attempts and calls. */
  workRoot: string;
  /** As of an attempt. */
  users?: ToolUsers | undefined;
  log: Log;
}

/** Never rejects; when it returns, no process and no file of the call is left. */
export async function runCall(frame: CallFrame, deps: CallDeps, signal: AbortSignal): Promise<CallAnswer> {
  const id = `call.${frame.call}`;
  const dir = join(deps.workRoot, id);
  let way: EgressAttempt | null = null;
  try {
    way = deps.egress.openAttempt(id, frame.request.kind === "info" ? userProxy(frame.request.args) : null);
    await makeFolder(dir, deps.users ?? null);
    const groups = recordGroups(dir, frame.call, "call");
    const cookies = "cookies" in frame.request ? frame.request.cookies : undefined;
    const cookiesFile = cookies === undefined ? undefined : await writeCookies(dir, cookies);
    const context = { dir, proxyUrl: way.proxyUrl, signal, groups, cookiesFile };
    const result = await answer(frame.request, context, deps);
    return fitAnswer({ ok: true, result });
  } catch (error) {
    const failure = classifyError(signal.aborted ? signal.reason : error);
    return { ok: false, class: failure.class, message: failure.message, ...logOf(failure) };
  } finally {
    way?.close();
    await removeAttempt(dir).catch((error: unknown) =>
      deps.log("error", "call.not_removed", { call: frame.call, error: String(error) }),
    );
  }
}

/** For the one who asked with options of his own; the edge cleans it. */
function logOf({ log }: MediaFailure): { log?: string[] } {
  if (log === null) return {};
  return { log: log.slice(-MAX_LOG_LINES).map((line) => line.slice(0, MAX_LOG_LINE_LENGTH)) };
}

function answer(request: CallRequest, context: YtDlpContext, deps: CallDeps): Promise<CallResult> {
  switch (request.kind) {
    case "look":
      return look(request.url, deps.ytdlp, context);
    case "expand":
      return expand(request, deps.ytdlp, context);
    case "show":
      return resolveShow(request, { services: deps.shows, guard: deps.guard }, context.signal);
    default:
      return answerAboutYtDlp(request, deps.ytdlp, context);
  }
}
