/** What headers of a request carry over to the fleet: the caller's trace, and the way by which a node came. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { Env } from "../../edge/env.ts";
import { nodeOrigin } from "../../edge/routes/fleet/fleet-call.ts";
import type { AppContext } from "../../edge/routes/http.ts";
import { TestNode } from "./fleet-node.ts";
import { call, newAccount, ORIGIN } from "./support.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const URL_OF_A_VIDEO = "https://media.example.com/v1";

it("the trace of POST /jobs, and of each job of a bulk request, reaches the node; anything else in its place is dropped", async () => {
  const account = await newAccount();
  const node = await TestNode.online(account);
  const post = async (path: string, body: unknown, traceparent: string) => {
    const headers = { "x-api-key": account.key, traceparent };
    return (await call(path, { method: "POST", headers, body: JSON.stringify(body) })).status;
  };
  const traces = async () => (await node.lease()).map((job) => job.traceparent);
  expect(await post("/jobs", { url: URL_OF_A_VIDEO }, `00-${TRACE}-${SPAN}-01`)).toBe(201);
  expect(await traces()).toEqual([`00-${TRACE}-${SPAN}-01`]);
  const bulk = { jobs: [{ url: URL_OF_A_VIDEO }, { url: `${URL_OF_A_VIDEO}b` }] };
  expect(await post("/jobs/bulk", bulk, `cc-${TRACE}-${SPAN}-00-later`)).toBe(201);
  expect(await traces()).toEqual([`00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`]);
  expect(await post("/jobs", { url: URL_OF_A_VIDEO }, `00-${"0".repeat(32)}-${SPAN}-01`)).toBe(201);
  expect(await traces()).toEqual([null]);
});

it.each<[what: string, more: Partial<Env>, origin: string]>([
  ["through a trusted proxy with TLS", { TRAWL_TRUST_PROXY: "1" }, "https://trawl.example.com"],
  ["without a proxy that is trusted", {}, ORIGIN],
])("parts of a node go the way that it came: %s", (_, more, origin) => {
  const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "trawl.example.com" };
  const context = { req: { raw: new Request(ORIGIN, { headers }) }, env: { ...env, ...more } };
  expect(nodeOrigin(context as unknown as AppContext)).toBe(origin);
});
