/** Calls as a running node has them: the question over the socket, the answer over HTTP. */
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { EdgeFrame } from "../../../shared/contract/fleet.ts";
import type { YtDlp, YtDlpContext } from "../../../worker-node/media/ytdlp/port.ts";
import { PARTITION } from "../session/fake-edge.ts";
import { fakeYtDlp, startEdge, startNode } from "../session/harness.ts";

/** Ends when it is told to, also when that was before it began. */
function forever({ signal }: YtDlpContext): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Every attempt lasts for ever; a look-up answers as it is told. */
function looking(describe: (context: YtDlpContext) => Promise<Record<string, unknown>>): YtDlp {
  return { ...fakeYtDlp(forever), describe: (_request, context) => describe(context) };
}

const titled = looking(async () => ({ title: "A talk" }));

function question(deadlineMs = 30_000): Extract<EdgeFrame, { type: "call" }> {
  const request = { kind: "look", url: "https://media.example.com/v1" } as const;
  return { type: "call", call: randomUUID(), deadline_ms: deadlineMs, request };
}

describe("a running node", () => {
  it("answers a question although all its download slots are taken", async () => {
    const edge = await startEdge();
    const { node, folders } = await startNode(edge, { ytdlp: titled });
    await edge.socketsOpened(1);
    edge.offer();
    edge.offer();
    await edge.until(() => node.busy === 2);
    const asked = question();
    edge.send(asked);
    const { path, body } = await edge.nth("answer");
    expect(path).toBe(`/fleet/v1/partitions/${encodeURIComponent(PARTITION)}/calls/${asked.call}/answer`);
    expect(body).toMatchObject({ ok: true, result: { kind: "look", title: "A talk", is_list: false } });
    expect((await folders()).filter((name) => name.startsWith("call."))).toEqual([]);
    expect(node.busy).toBe(2);
  });

  it("repeats an answer that did not arrive", async () => {
    const edge = await startEdge();
    const { events } = await startNode(edge, { ytdlp: titled });
    await edge.socketsOpened(1);
    edge.fail("answer", "refused", { status: 503, error: "rebuilding" }, "lost");
    edge.send(question());
    await edge.nth("answer", 4);
    await edge.until(() => events.some(({ event }) => event === "call.answered"));
    const bodies = edge.named("answer").map((call) => JSON.stringify(call.body));
    expect(new Set(bodies).size).toBe(1);
  });

  it("forgets a question that nobody waits for any more", async () => {
    const edge = await startEdge();
    const { events, final } = await startNode(edge, { ytdlp: titled });
    await edge.socketsOpened(1);
    edge.fail("answer", { status: 410, error: "call_over" });
    edge.send(question());
    await edge.until(() => events.some(({ event }) => event === "call.dropped"));
    await edge.nth("heartbeat", edge.named("heartbeat").length + 3);
    expect(edge.named("answer")).toHaveLength(1);
    expect(final).toEqual([]);
  });

  it("does not answer the same question twice", async () => {
    const edge = await startEdge();
    await startNode(edge, { ytdlp: titled });
    await edge.socketsOpened(1);
    const [one, other] = [question(), question()];
    for (const asked of [one, one, other]) edge.send(asked);
    await edge.nth("answer", 2);
    edge.send(one);
    await edge.nth("heartbeat", edge.named("heartbeat").length + 3);
    expect(edge.named("answer")).toHaveLength(2);
  });

  it("says nothing after the deadline, and leaves nothing", async () => {
    const edge = await startEdge();
    const { events, folders } = await startNode(edge, { ytdlp: looking(forever) });
    await edge.socketsOpened(1);
    edge.send(question(30));
    await edge.until(() => events.some(({ event }) => event === "call.dropped"));
    expect(edge.named("answer")).toEqual([]);
    expect(await folders()).toEqual([]);
  });

  it("ends its calls when it stops", async () => {
    const edge = await startEdge();
    const begun = Promise.withResolvers<YtDlpContext>();
    const slow = looking((context) => {
      begun.resolve(context);
      return forever(context);
    });
    const { node, folders } = await startNode(edge, { ytdlp: slow });
    await edge.socketsOpened(1);
    edge.send(question());
    await begun.promise;
    await node.stop("drained");
    expect(await folders()).toEqual([]);
    expect(edge.named("answer")).toEqual([]);
  });

  it("sends questions away while it drains", async () => {
    const edge = await startEdge();
    const { node } = await startNode(edge, { ytdlp: titled });
    await edge.socketsOpened(1);
    edge.offer();
    await edge.nth("confirm");
    void node.drain();
    edge.send(question());
    expect((await edge.nth("answer")).body).toMatchObject({ ok: false, class: "lost" });
  });
});
