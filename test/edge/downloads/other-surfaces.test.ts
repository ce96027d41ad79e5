/** "Jobs made through any surface appear in all of them." */
import { describe, expect, it } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { newAccount } from "../support.ts";
import { listTasks, newDownload, readTask, URL_1 } from "./support.ts";

describe("jobs of other surfaces", () => {
  it("appear here, with the quality that they ask for", async () => {
    const account = await newAccount();
    const best = await account.createJob();
    const low = await account.createJob({ max_resolution: "480", audio_only: true });
    expect((await listTasks(account)).map((task) => [task.id, task.quality, task.download_type])).toEqual([
      [low, "480p", "audio"],
      [best, "best", "video"],
    ]);
  });

  it("and downloads appear in the jobs API", async () => {
    const account = await newAccount();
    const id = await newDownload(account);
    expect((await account.api<{ jobs: object[] }>("GET", "/jobs")).body).toMatchObject({ jobs: [{ id }], total: 1 });
  });

  it("a bulk request is no playlist; a list that a node found is one, its parent without a place in it", async () => {
    const account = await newAccount();
    await account.api("POST", "/jobs/bulk", { jobs: [{ url: URL_1 }, { url: `${URL_1}b` }] });
    expect((await listTasks(account)).map((task) => task.is_playlist)).toEqual([false, false]);
    const other = await newAccount();
    const id = await newDownload(other);
    const node = await TestNode.online(other);
    const entry = (name: string) => ({ url: `https://media.example.com/${name}`, title: name });
    const result = { kind: "list", title: "The list", entries: [entry("a"), entry("b")], truncated: false };
    await node.job(await node.take(), "extracted", { result });
    expect(await readTask(other, id)).toMatchObject({
      status: "processing",
      title: "The list",
      is_playlist: true,
      playlist_index: 0,
      playlist_total: 2,
    });
    const places = (await listTasks(other)).map((task) => [task.title, task.playlist_index, task.playlist_total]);
    expect(places.sort()).toEqual([
      ["The list", 0, 2],
      ["a", 1, 2],
      ["b", 2, 2],
    ]);
  });
});
