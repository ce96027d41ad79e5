/** A disk store service in a process of its own, to be killed: `node service-process.ts <downloads> <secret>`. */
import { startDiskStore } from "../../../edge/local/disk-store/start.ts";

const [downloadsDir = "", secret = ""] = process.argv.slice(2);
const service = await startDiskStore({ downloadsDir, secret });
process.stdout.write(`${JSON.stringify({ url: service.url, port: service.port })}\n`);
