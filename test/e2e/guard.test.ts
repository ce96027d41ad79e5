/** A stack that may reach the public internet only, as in production: private addresses are refused at every door. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { atEnd } from "./harness/at-end.ts";
import { doneOnce } from "./harness/clean.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;
/** What must never be asked: it stands for anything in the operator's own network. */
let secret: { url: string; asked: number };

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  secret = await startSecret();
  stack = await Stack.start({ env: { TRAWL_ALLOW_PRIVATE: "", TRAWL_ALLOW_HOSTS: `127.0.0.1:${origin.port}` } });
});

async function startSecret() {
  const told = { url: "", asked: 0 };
  const server = createServer((_, response) => {
    told.asked++;
    response.end("secret");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  told.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  atEnd(() => new Promise((resolve) => server.close(resolve)));
  return told;
}

test("a URL to a private address is refused when the job is created", async () => {
  const port = new URL(secret.url).port;
  const bad = [secret.url, `http://localhost:${port}/`, "http://[::ffff:10.0.0.1]/", "http://0x7f.1/", stack.url];
  for (const url of [...bad, "http://169.254.169.254/latest/meta-data/", "http://nas.local/video.mp4"]) {
    const { status, body } = await stack.api.call("POST", "/jobs", { body: { url } });
    expect([url, status, body.error, body.field]).toEqual([url, 400, "url must not point to a private address", "url"]);
  }
});

test("a host that the operator vouches for is reached", async () => {
  await doneOnce(stack, await stack.api.create({ url: `${origin.url}/vertical.mp4` }));
});

test("a redirect to a private address is refused by the node, however it gets there", async () => {
  const target = encodeURIComponent(`${secret.url}/video.mp4`);
  const paths = [
    `redirect-to?url=${target}`,
    `redirect-to?code=307&url=${target}`,
    `redirect/301/redirect-to?url=${target}`,
  ];
  const own = encodeURIComponent(`${stack.url}/health`);
  for (const path of [...paths, `redirect-to?url=${own}`]) {
    const id = await stack.api.create({ url: `${origin.url}/${path}` });
    const job = await stack.api.finished(id);
    expect(job, path).toMatchObject({
      status: "Warning",
      error: "Unsupported URL",
      error_type: "warning",
      attempts: 1,
    });
  }
  expect(secret.asked).toBe(0);
});
