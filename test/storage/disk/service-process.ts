/** A disk store service in a process of its own, to be killed: `node service-process.ts <downloads> <secret> [uid]`. */
import { startDiskStore } from "../../../edge/local/disk-store/start.ts";

const [downloadsDir = "", secret = "", uid] = process.argv.slice(2);
// Now that all is loaded: who it becomes may not read this folder.
if (uid !== undefined) process.setuid?.(Number(uid));
const service = await startDiskStore({ downloadsDir, secret });
process.stdout.write(`${JSON.stringify({ url: service.url, port: service.port })}\n`);
