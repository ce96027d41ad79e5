/** Start, pause, cancel, delete (library API 4.5, 4.6). */
import { beforeEach, describe, expect, it } from "vitest";
import { TestNode } from "../../fleet-node.ts";
import { type Account, admin, newAccount } from "../../support.ts";
import { failed, finished, idsOf, list, readItem, UNKNOWN_ID, untilStatus } from "./support.ts";

let account: Account;
beforeEach(async () => {
  account = await newAccount();
});

const notFound = (id: string) => `key='${id}' or url=None not found.`;
const post = (what: string, body: unknown) => account.api("POST", `/api/history/${what}`, body);

describe("pause and start", () => {
  it("turn auto_start, and say of each item what became of it", async () => {
    const [waits, runs] = [await account.createJob(), await account.createJob()];
    const node = await TestNode.online(account);
    const [first, ...rest] = await node.lease();
    expect(rest).toHaveLength(1);
    for (const job of [first, ...rest]) if (job?.job === runs) await node.job(job, "confirm");
    const paused = await post("pause", { ids: [waits, runs, UNKNOWN_ID, "nope"] });
    expect([paused.status, paused.body]).toEqual([
      200,
      {
        [waits]: "paused",
        [runs]: "already started",
        [UNKNOWN_ID]: `not found: "${notFound(UNKNOWN_ID)}"`,
        nope: `not found: "${notFound("nope")}"`,
        status: "error",
      },
    ]);
    expect(await readItem(account, waits)).toMatchObject({ auto_start: false, status: null });
    expect((await post("pause", { ids: [waits] })).body).toEqual({ [waits]: "not started", status: "ok" });
    expect(await node.lease()).toEqual([]);
    expect((await post("start", { ids: [waits.toUpperCase()] })).body).toEqual({
      [waits.toUpperCase()]: "started",
      status: "ok",
    });
    expect((await post("start", { ids: [waits, runs] })).body).toEqual({
      [waits]: "already started",
      [runs]: "already started",
      status: "ok",
    });
    expect((await readItem(account, waits)).auto_start).toBe(true);
    expect((await node.lease()).map((job) => job.job)).toEqual([waits]);
  });

  it("show in the lists at once", async () => {
    const id = await account.createJob();
    await post("pause", { ids: [id] });
    expect((await list(account, "?type=queue")).items?.[0]).toMatchObject({ _id: id, auto_start: false });
  });
});

describe("cancel", () => {
  it("ends what waits and what runs, and says of an unknown id so", async () => {
    const [runs, waits] = [await account.createJob(), await account.createJob()];
    const node = await TestNode.online(account);
    const [job] = await node.lease(undefined, 1);
    expect(job?.job).toBe(runs);
    if (job !== undefined) await node.job(job, "confirm");
    const answer = await post("cancel", { ids: [runs, waits] });
    expect([answer.status, answer.body]).toEqual([200, { [runs]: "ok", [waits]: "ok" }]);
    expect((await post("cancel", { ids: [runs, UNKNOWN_ID] })).body).toEqual({
      [runs]: `"${notFound(runs)}"`,
      [UNKNOWN_ID]: `"${notFound(UNKNOWN_ID)}"`,
      status: "error",
    });
    expect(idsOf((await list(account, "?type=done&status=cancelled")).items)).toEqual([waits, runs]);
  });
});

describe.each(["start", "pause", "cancel"])("%s", (what) => {
  it.each([
    [{}, "ids array is required."],
    [{ ids: [] }, "ids array is required."],
    [{ ids: null }, "ids array is required."],
    [{ ids: "all" }, "ids must be an array."],
    ["not json", "Invalid JSON."],
    [[], "Invalid request body expecting dict."],
  ])("refuses %j", async (body, error) => {
    const answer = await post(what, body);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  });

  it("does nothing to another account's item", async () => {
    const id = await account.createJob();
    const other = await newAccount();
    const answer = await other.api("POST", `/api/history/${what}`, { ids: [id] });
    expect(answer.body.status).toBe("error");
    expect(await readItem(account, id)).toMatchObject({ auto_start: true, status: null });
  });
});

describe("delete", () => {
  const remove = (body?: unknown) => account.api("DELETE", "/api/history", body);

  it("of finished items forgets them here and in the downloads API, and the jobs API still answers", async () => {
    const [id, stays] = [await finished(account), await account.createJob()];
    const answer = await remove({ type: "done", ids: [id, stays, UNKNOWN_ID] });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        items: {
          [id]: "ok",
          [stays]: `"${notFound(stays)}"`,
          [UNKNOWN_ID]: `"${notFound(UNKNOWN_ID)}"`,
          status: "error",
        },
        deleted: 3,
      },
    ]);
    expect((await account.api("GET", `/api/history/${id}`)).status).toBe(404);
    expect((await account.api("GET", `/api/downloads/${id}`)).status).toBe(404);
    expect(await account.api("GET", `/jobs/${id}`)).toMatchObject({ status: 200, body: { status: "Completed" } });
    expect(await list(account, "?type=done")).toMatchObject({ items: [], pagination: { total: 0 } });
  });

  it("leaves the file, unless the request and the settings both want it gone", async () => {
    const hasFile = async (id: string) => (await account.api("GET", `/jobs/${id}`)).body.s3_url !== null;
    const ids = [await finished(account), await finished(account), await finished(account)];
    await remove({ type: "done", ids: [ids[0]] });
    const settings = `/admin/accounts/${account.id}/settings`;
    expect((await admin("PATCH", settings, { remove_files: true })).status).toBe(200);
    await remove({ type: "done", ids: [ids[1]], remove_file: false });
    await remove({ where: "done", ids: [ids[2]] });
    expect(await Promise.all(ids.map(hasFile))).toEqual([true, true, false]);
  });

  it("by a filter forgets those that it fits", async () => {
    const [good, bad] = [await finished(account), await failed(account, "removed")];
    await untilStatus(account, bad, "error");
    expect((await remove({ type: "done", status: "!finished" })).body).toEqual({ items: { [bad]: "ok" }, deleted: 1 });
    expect(idsOf((await list(account, "?type=done")).items)).toEqual([good]);
    expect((await remove({ type: "done", status: "error" })).body).toEqual({ error: "No items matched the filter." });
  });

  it("of queued items cancels them", async () => {
    const [first, second] = [await account.createJob(), await account.createJob()];
    expect((await remove({ type: "queue", ids: [first] })).body).toEqual({ items: { [first]: "ok" }, deleted: 1 });
    expect((await remove({ type: "queue", status: "pending" })).body).toEqual({
      items: { [second]: "ok" },
      deleted: 1,
    });
    expect(idsOf((await list(account, "?type=done&status=cancelled")).items)).toEqual([second, first]);
  });

  it.each([
    [undefined, "Type is required."],
    [{}, "Type is required."],
    [{ type: "all", ids: ["x"] }, "type must be one of '['done', 'queue']'."],
    [{ type: "done" }, "either 'ids' or 'status' filter is required."],
    [{ type: "done", ids: [] }, "either 'ids' or 'status' filter is required."],
    [{ type: "done", status: "finished" }, "No items matched the filter."],
    [{ type: "queue", status: "downloading" }, "No items matched the filter."],
  ])("refuses %j", async (body, error) => {
    const answer = await remove(body);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  });
});
