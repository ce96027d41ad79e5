/** Sends generated requests and judges the answers. */
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect } from "vitest";
import { openApiDocument } from "../../../edge/openapi/document.ts";
import { ENDPOINTS } from "../../../edge/routes/endpoints.ts";
import { TestNode } from "../fleet-node.ts";
import { type Account, admin, call, newAccount } from "../support.ts";
import { settledHash } from "../tables.ts";
import { type Generated, requests, type World } from "./requests.ts";

/** Requests that are on their way at once. */
const AT_ONCE = 8;
/** A node is asked in vain: that is documented, and nobody's fault. */
const HONEST_503 = /no worker node is online/i;
/** Of any path and method, whatever the document says of the route that was aimed at. */
const ALWAYS = [204, 404, 405];
/** Rejected requests between two looks at the tables. */
const BATCH = 500;
const MAX_TOLD = 10;

const { paths } = openApiDocument(ENDPOINTS);

export interface Fuzz {
  account: Account;
  world: World;
  node: TestNode;
}

export async function openFuzz(): Promise<Fuzz> {
  const account = await newAccount({ limits: { rate_per_second: 1_000_000 } });
  const node = await TestNode.online(account);
  const jobs = [await account.createJob(), await account.createJob(), await account.createJob({ folder: "talks" })];
  await account.api("DELETE", `/jobs/${jobs[0]}`);
  const bulk = await account.api<{ batch_id: string }>("POST", "/jobs/bulk", {
    jobs: [{ url: "https://media.example.com/v1" }],
    paused: true,
  });
  const world: World = {
    ids: [...jobs, bulk.body.batch_id],
    key: account.key,
    admin: String(env.TRAWL_ADMIN_TOKEN),
    session: node.session?.session_key ?? "",
    leaseId: crypto.randomUUID(),
  };
  return { account, node, world };
}

/**
 * Sends `count` requests; each answer has to be a success or a documented refusal. Then sends the refused ones again, and
 * the tables have to be as they were after each {@link BATCH} of them.
 *
 * @param seed told when something fails: the same seed makes the same requests.
 */
export async function fuzz({ world, node }: Fuzz, count: number, seed: number): Promise<number> {
  const generated = fc.sample(requests(world), { numRuns: count, seed });
  const problems: string[] = [];
  const statuses = await sendAll(generated, problems);
  expect(problems.slice(0, MAX_TOLD), `seed ${seed}`).toEqual([]);
  const refused = generated.filter((_, index) => (statuses[index] ?? 0) >= 400);
  // Its session would end by itself one day, and its leases return.
  expect((await admin("DELETE", `/admin/nodes/${node.id}`)).status).toBeLessThan(300);
  for (let at = 0; at < refused.length; at += BATCH) {
    await expectNoTrace(refused.slice(at, at + BATCH), problems, `seed ${seed}, refused requests from ${at} on`);
  }
  expect(problems.slice(0, MAX_TOLD), `seed ${seed}`).toEqual([]);
  return refused.length;
}

/** What was refused may be right by now (a retry of a job that was cancelled since); only all-refused batches count. */
async function expectNoTrace(batch: readonly Generated[], problems: string[], name: string): Promise<void> {
  const before = await settledHash();
  const statuses = await sendAll(batch, problems);
  const refused = batch.filter((_, index) => (statuses[index] ?? 0) >= 400);
  if (refused.length < batch.length) return expectNoTrace(refused, problems, name);
  expect(await settledHash(), `${name}: a table changed`).toBe(before);
}

async function sendAll(generated: readonly Generated[], problems: string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (let at = 0; at < generated.length; at += AT_ONCE) {
    const answers = generated.slice(at, at + AT_ONCE).map((request) => judge(request, problems));
    statuses.push(...(await Promise.all(answers)));
  }
  return statuses;
}

async function judge(request: Generated, problems: string[]): Promise<number> {
  const { endpoint, method, path, headers, body } = request;
  const response = await call(path, { method, headers, body });
  const { status } = response;
  response.webSocket?.accept();
  response.webSocket?.close();
  const text = status >= 400 ? await response.text() : "";
  if (status < 400) await response.body?.cancel();
  if (!acceptable(request, status, text)) {
    const sent = JSON.stringify({ method, path: path.slice(0, 500), headers, body: body?.slice(0, 1_000) });
    problems.push(`${endpoint.operationId} answered ${status} ${text.slice(0, 300)} to ${sent}`);
  }
  return status;
}

function acceptable({ endpoint, method }: Generated, status: number, text: string): boolean {
  if (status === 503) return HONEST_503.test(text);
  if (status >= 500) return false;
  const operation = paths[endpoint.path.replace(/:(\w+)/g, "{$1}")]?.[endpoint.method.toLowerCase()];
  if (operation === undefined || method !== endpoint.method || ALWAYS.includes(status)) return true;
  return Object.hasOwn(operation.responses as object, String(status));
}
