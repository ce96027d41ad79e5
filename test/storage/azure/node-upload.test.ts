/** The node's half and the edge's half together, into Azurite. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testDir } from "../../leaks.ts";
import { generateFile, hashStream } from "../generated-file.ts";
import { sendFile } from "../send-file.ts";
import { type Azurite, openAzure, startAzurite } from "./azurite.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

it("a file of three blocks goes from a node into a container, each block by the MD5 that it was sent with", async () => {
  const opened = await openAzure(azurite);
  const file = await generateFile(join(await testDir("upload"), "output.mp4"), 20_000_000);
  const sent = await sendFile(opened, file, "videos/a.mp4");
  expect(sent.uploaded.retries).toBe(0);
  expect(await sent.commit()).toMatchObject({ kind: "committed", key: "videos/a.mp4", size: file.size });
  const stream = await opened.store.read("videos/a.mp4", null, null);
  expect(stream && (await hashStream(stream))).toBe(file.sha256);
});
