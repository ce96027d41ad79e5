/** `POST /api/system/pause` and `/resume` (library API 10.2). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, newAccount, newKey } from "../support.ts";
import { ask, said } from "./support.ts";

const PAUSED = [200, { message: "Non-active downloads have been paused." }];
const ALREADY = [406, { message: "Non-active downloads are already paused." }];
const RESUMED = [200, { message: "Resumed all downloads." }];
const NOT_PAUSED = [406, { message: "Non-active downloads are not paused." }];

const post = (account: Pick<Account, "key">, operation: "pause" | "resume") =>
  ask(`/api/system/${operation}`, { method: "POST", headers: { "x-api-key": account.key } }).then(said);

describe("a pause", () => {
  it("is answered in its words, and so is a second one; D1 knows of it by then", async () => {
    const account = await newAccount();
    const inD1 = () => env.DB.prepare("SELECT paused FROM accounts WHERE id = ?").bind(account.id).first("paused");
    expect(await post(account, "resume")).toEqual(NOT_PAUSED);
    expect(await post(account, "pause")).toEqual(PAUSED);
    expect(await inD1()).toBe(1);
    expect(await post(account, "pause")).toEqual(ALREADY);
    expect(await post(account, "resume")).toEqual(RESUMED);
    expect(await inD1()).toBe(0);
    expect(await post(account, "resume")).toEqual(NOT_PAUSED);
  });

  it("holds for jobs of every API, and for nobody else's", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    const [node, elsewhere] = [await TestNode.online(account), await TestNode.online(other)];
    const running = await account.createJob();
    await node.take();
    await account.createJob();
    await account.api("POST", "/api/download", { url: "https://media.example.com/v2" });
    await other.createJob();
    expect(await post(account, "pause")).toEqual(PAUSED);
    expect(await node.lease()).toEqual([]);
    expect(await elsewhere.lease()).toHaveLength(1);
    expect((await account.api("GET", `/jobs/${running}`)).body.status).toBe("Processing");
    expect(await post(account, "resume")).toEqual(RESUMED);
    expect(await node.lease()).toHaveLength(2);
  });

  it("takes back an offer that a node has not confirmed", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    await account.createJob();
    const [offer] = await node.lease();
    expect(await post(account, "pause")).toEqual(PAUSED);
    const late = await node.call(`jobs/${offer?.job}/confirm`, { token: offer?.token });
    expect(late.status).toBe(409);
  });

  it("needs jobs:write", async () => {
    const account = await newAccount();
    const reader = await newKey(account.id, { scopes: ["jobs:read"] });
    const lacks = [403, { error: "This credential lacks the scope 'jobs:write'." }];
    expect(await post(reader, "pause")).toEqual(lacks);
    expect(await post(account, "resume")).toEqual(NOT_PAUSED);
  });
});
