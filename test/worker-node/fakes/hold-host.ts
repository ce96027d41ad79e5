/** A process that holds a warm host with one request in it, to be killed without mercy. Prints its attempt folder and the pids. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostProcess } from "../../../worker-node/media/ytdlp/host/host-process.ts";
import { runTool } from "../../../worker-node/process/run.ts";

const [python = "", modules = ""] = process.argv.slice(2);
const host = new HostProcess({ python, env: { PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: "1" }, onEnd: () => {} });
await host.ready;
const dir = mkdtempSync(join(tmpdir(), "trawl-held-"));
console.log(`attempt ${dir}`);
await runTool(["stubborn"], {
  dir,
  launch: (argv, options) => host.fork(argv, options),
  onStdout: (line) => console.log(line.startsWith("ready") ? `${line} ${host.pid}` : line),
});
