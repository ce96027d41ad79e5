/** Interactive calls: who is asked, who is asked next, and what becomes of a question whose partition is restarted. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { LOOK } from "../answering-node.ts";
import { PARTITION, PARTITION_PATH, TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount } from "../support.ts";

const URL_1 = "https://media.example.com/v1";
const GOOD = { ok: true, result: LOOK };
const BUSY = { ok: false, class: "lost", message: "The worker node is busy" };

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** A node of the account's own, online. `onCall` answers; null: it says nothing. */
async function node(account: Account, onCall: (asked: number, node: TestNode) => Promise<Json | null> | Json | null) {
  const online = await TestNode.online(account);
  const frames: Json[] = [];
  const serve = async (frame: Json): Promise<void> => {
    frames.push(frame);
    const answer = await onCall(frames.length, online);
    if (answer !== null) await online.call(`calls/${frame.call}/answer`, answer);
  };
  const connect = async (): Promise<WebSocket> => {
    const headers = { upgrade: "websocket", authorization: `Bearer ${online.session?.session_key}` };
    const { webSocket } = await call(`${PARTITION_PATH}/socket`, { headers });
    if (webSocket === null) throw new Error("no socket");
    webSocket.accept();
    sockets.push(webSocket);
    webSocket.addEventListener("message", (message) => {
      const frame = JSON.parse(String(message.data)) as Json;
      if (frame.type === "call") void serve(frame);
    });
    return webSocket;
  };
  const socket = await connect();
  const slots = (download: number) =>
    online.call("heartbeat", { holding: [], slots: { download, live: 0 }, state: "running" });
  await slots(4);
  return { online, frames, socket, connect, slots };
}

const look = (account: Account) => account.api("POST", "/metadata", { url: URL_1 });

describe("a question", () => {
  it("goes to the node with the most room", async () => {
    const account = await newAccount();
    const [busy, idle] = [await node(account, () => GOOD), await node(account, () => GOOD)];
    await busy.slots(1);
    await idle.slots(3);
    expect((await look(account)).status).toBe(200);
    expect([busy.frames.length, idle.frames.length]).toEqual([0, 1]);
  });

  it("goes to the one that is asked least, however many are asked at once", async () => {
    const account = await newAccount();
    const waiting: (() => void)[] = [];
    const held = () =>
      new Promise<Json>((resolve) => {
        waiting.push(() => resolve(GOOD));
        if (waiting.length === 4) for (const answer of waiting) answer();
      });
    const [one, two] = [await node(account, held), await node(account, held)];
    const answers = await Promise.all([1, 2, 3, 4].map(() => look(account)));
    expect(answers.map((each) => each.status)).toEqual([200, 200, 200, 200]);
    expect([one.frames.length, two.frames.length]).toEqual([2, 2]);
  });

  it("reaches a node all of whose slots are taken: calls have their own", async () => {
    const account = await newAccount();
    const full = await node(account, () => GOOD);
    await full.slots(0);
    expect((await look(account)).status).toBe(200);
  });

  it("is asked of one other node when the first fails for its own reasons, and of no third", async () => {
    const account = await newAccount();
    const nodes = [await node(account, () => BUSY), await node(account, () => BUSY), await node(account, () => BUSY)];
    const answer = await look(account);
    expect([answer.status, answer.body.error]).toEqual([502, "The worker node is busy"]);
    expect(nodes.map(({ frames }) => frames.length).toSorted()).toEqual([0, 1, 1]);
  });

  it("whose node is gone is asked of another at once", async () => {
    const account = await newAccount();
    let heard = 0;
    const onCall = (_: number, __: TestNode): Json | null => {
      if (++heard > 1) return GOOD;
      // The first one that hears it loses its line.
      const asked = nodes.find(({ frames }) => frames.length === 1);
      asked?.socket.close();
      return null;
    };
    const nodes = [await node(account, onCall), await node(account, onCall)];
    const began = Date.now();
    expect((await look(account)).status).toBe(200);
    expect(nodes.map(({ frames }) => frames.length)).toEqual([1, 1]);
    expect(Date.now() - began, "long before the deadline of the first").toBeLessThan(15_000);
  });

  it("is asked once where the content is the problem", async () => {
    const account = await newAccount();
    const refusal = { ok: false, class: "private", message: "Video is private" };
    const nodes = [await node(account, () => refusal), await node(account, () => refusal)];
    expect(await look(account)).toMatchObject({ status: 400, body: { error: "Video is private" } });
    expect(nodes.map(({ frames }) => frames.length).toSorted()).toEqual([0, 1]);
  });
});

/** The object ends in the middle of whatever it does, with its sockets; the next call starts it again. */
async function endPartition(): Promise<void> {
  const stub = env.PARTITION.getByName(PARTITION);
  await runInDurableObject(stub, (_, state) => state.abort("the test ends it")).catch(() => {});
}

describe("a partition that is restarted while a node looks", () => {
  it("asks again, under another id, once the node's socket is back; the answer to the lost question is 410", async () => {
    const account = await newAccount();
    let late: unknown;
    const asked = await node(account, async (count, online) => {
      if (count > 1) return GOOD;
      await endPartition();
      late = await online.call(`calls/${asked.frames[0]?.call}/answer`, GOOD);
      await asked.connect();
      return null;
    });
    expect((await look(account)).body).toMatchObject({ title: LOOK.title });
    expect(asked.frames.length).toBe(2);
    expect(asked.frames[0]?.call).not.toBe(asked.frames[1]?.call);
    expect(late).toMatchObject({ status: 410, body: { error: "call_over" } });
  });

  it("asks another node where that is there sooner", async () => {
    const account = await newAccount();
    const gone = await node(account, async () => {
      await endPartition();
      await other.connect();
      return null;
    });
    const other = await node(account, () => GOOD);
    await other.slots(1);
    expect((await look(account)).status).toBe(200);
    expect([gone.frames.length, other.frames.length]).toEqual([1, 1]);
  });
});
