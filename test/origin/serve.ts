/** `node test/origin/serve.ts [--port N] [--host H]`: the site as a process. Prints `{"url"}` when it is ready. */

import { parseArgs } from "node:util";
import { startOrigin } from "./server.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, host: { type: "string" }, "media-dir": { type: "string" } },
});

const stopping = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopping.abort());

try {
  const origin = await startOrigin({
    signal: stopping.signal,
    ...(values.port ? { port: Number(values.port) } : {}),
    ...(values.host ? { host: values.host } : {}),
    ...(values["media-dir"] ? { mediaDir: values["media-dir"] } : {}),
  });
  process.stdout.write(`${JSON.stringify({ url: origin.url })}\n`);
  if (!stopping.signal.aborted) {
    await new Promise((resolve) => stopping.signal.addEventListener("abort", resolve, { once: true }));
  }
  await origin.close();
} catch (error) {
  // Stopped while ffmpeg was still at work: that is what was asked for.
  if (!stopping.signal.aborted) throw error;
}
