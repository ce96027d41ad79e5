/** What the tests of single calls share: real yt-dlp, a folder, and a proxy to look through. */
import { type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import type { YtDlp } from "../../../worker-node/media/ytdlp/port.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { realTools } from "../media/tools.ts";

export interface CallSite {
  origin: Origin;
  ytdlp: YtDlp;
  egress: EgressProxy;
  close(): Promise<void>;
}

export async function startCallSite(): Promise<CallSite> {
  const [origin, tools, egress] = await Promise.all([
    startOrigin(),
    realTools(),
    startEgressProxy({ allowPrivate: true }),
  ]);
  const close = async () => {
    await egress.close();
    await origin.close();
  };
  return { origin, ytdlp: mediaDeps(tools).ytdlp, egress, close };
}
