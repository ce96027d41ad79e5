/**
 * The peer of the dispatch bench: the same two calls, jobs in and jobs out, in front of pg-boss. A process of its own, as the
 * edge is. Prints its URL once it serves.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { PgBoss } from "pg-boss";

const QUEUE = "jobs";
const KEY = "bench-key";

const boss = new PgBoss({ connectionString: process.argv[2] ?? "", schedule: false, supervise: false });
boss.on("error", (error) => console.error(error));
await boss.start();
await boss.createQueue(QUEUE);

const CALLS: Record<string, (body: never) => Promise<unknown>> = {
  "/jobs": async (job: { url: string }) => ({ job_id: await boss.send(QUEUE, { url: new URL(job.url).href }) }),
  "/jobs/bulk": async ({ jobs }: { jobs: { url: string }[] }) => {
    const rows = jobs.map(({ url }) => ({ id: crypto.randomUUID(), data: { url: new URL(url).href } }));
    await boss.insert(QUEUE, rows);
    return { job_ids: rows.map(({ id }) => id) };
  },
  "/lease": async ({ slots }: { slots: number }) => ({ jobs: await boss.fetch(QUEUE, { batchSize: slots }) }),
};

const server = createServer(async (request, response) => {
  const call = CALLS[request.url ?? ""];
  if (request.headers["x-api-key"] !== KEY || call === undefined) return void response.writeHead(401).end();
  const answer = await call((await json(request)) as never);
  response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(answer));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.once("SIGTERM", () => void boss.stop({ graceful: false }).finally(() => process.exit(0)));
