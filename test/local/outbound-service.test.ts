import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import {
  type Answer,
  OUTBOUND_SECRET_HEADER,
  type OutboundService,
  serveOutbound,
} from "../../edge/local/outbound-service.ts";
import { whenDone } from "./support.ts";

async function serving(answer: Answer): Promise<OutboundService> {
  const service = await serveOutbound(answer);
  whenDone(() => service.close());
  return service;
}

/** As workerd asks: the whole URL in the request line, no `Host`, the secret among the headers. */
function ask({ port, secret }: OutboundService, url: string, method = "GET", headers = {}): ClientRequest {
  const bears = secret === "" ? {} : { [OUTBOUND_SECRET_HEADER]: secret };
  return request({ port, host: "127.0.0.1", path: url, method, setHost: false, headers: { ...headers, ...bears } });
}

async function answerOf(asked: ClientRequest, body = ""): Promise<{ response: IncomingMessage; text: string }> {
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { response, text };
}

test("a request goes on as it is, without the secret, and its answer comes back as it is", async () => {
  const seen: unknown[] = [];
  const service = await serving(async (asked) => {
    seen.push([asked.method, asked.url, Object.fromEntries(asked.headers), await asked.text()]);
    const headers = [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["content-length", "4"],
    ] as [string, string][];
    return new Response("done", { status: 299, headers });
  });
  const headers = { "content-length": "4", "x-own": "1" };
  const { response, text } = await answerOf(ask(service, "https://media.test/a%20b?c=d", "PUT", headers), "body");
  expect(seen).toEqual([["PUT", "https://media.test/a%20b?c=d", { ...headers, connection: "keep-alive" }, "body"]]);
  expect([response.statusCode, response.headers, text]).toEqual([
    299,
    { "set-cookie": ["a=1", "b=2"], "content-length": "4", "content-type": "text/plain;charset=UTF-8", ...KEPT },
    "done",
  ]);
});
const KEPT = { connection: "keep-alive", "keep-alive": "timeout=75" };

test("a HEAD keeps the length of what it does not send, and an empty answer is one", async () => {
  const service = await serving(async ({ method }) =>
    method === "HEAD"
      ? new Response(null, { headers: { "content-length": "1000" } })
      : new Response(null, { status: 204 }),
  );
  expect((await answerOf(ask(service, "http://media.test/", "HEAD"))).response.headers["content-length"]).toBe("1000");
  expect((await answerOf(ask(service, "http://media.test/"))).response.statusCode).toBe(204);
});

test.each(["", "x", "x".repeat(43)])("whoever does not know the secret is refused (%j)", async (secret) => {
  let asked = 0;
  const service = await serving(async () => {
    asked++;
    return new Response();
  });
  const { response } = await answerOf(ask({ ...service, secret }, "http://media.test/"));
  expect([response.statusCode, asked]).toEqual([403, 0]);
});

test("an asker that leaves is heard of by whoever answers", async () => {
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: came } = Promise.withResolvers<void>();
  const service = await serving(({ signal }) => {
    signal.addEventListener("abort", () => resolve());
    came();
    return left.then(() => new Response());
  });
  const leaving = ask(service, "http://media.test/");
  leaving.on("error", () => undefined);
  leaving.end();
  await asked;
  leaving.destroy();
  await left;
});
