import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { downloadFile } from "../../bin/download.ts";
import { testDir } from "../leaks.ts";
import { eventually } from "../local/support.ts";
import type { Cut, FakeEdge } from "./fake-edge.ts";
import { clientOf, fakeEdge, trawl } from "./support.ts";

const FILE = randomBytes(300_000);

function ranges(edge: FakeEdge): (string | undefined)[] {
  return edge.requests.filter(({ path }) => path.startsWith("/f/")).map(({ headers }) => headers.range);
}

test("get -o downloads the file of a job into a folder", async () => {
  const edge = await fakeEdge({ file: FILE });
  const cwd = await testDir("cwd");
  await trawl(["add", "--wait", "https://a.example/1"], clientOf(edge));
  const outcome = await trawl(["get", "job-1", "-o", "."], clientOf(edge), cwd);
  expect(outcome).toMatchObject({ code: 0, stdout: "" });
  expect(FILE.equals(await readFile(join(cwd, "A talk.mp4")))).toBe(true);
  expect(existsSync(join(cwd, "A talk.mp4.part"))).toBe(false);
});

test("get -o of a job without a file says what to do", async () => {
  const edge = await fakeEdge();
  await trawl(["add", "https://a.example/1"], clientOf(edge));
  const outcome = await trawl(["get", "job-1", "-o", "x.mp4"], clientOf(edge));
  expect(outcome.stderr).toBe("trawl: job job-1 has no file yet: Pending; wait for it with: trawl watch job-1\n");
});

/** A cut that comes when the client has written what came before it: what it only holds in memory is lost with it. */
function cutAt(part: string, after: number, size = after): Cut {
  return { after, when: () => eventually(async () => (await stat(part).catch(() => null))?.size === size) };
}

test("a connection that breaks is picked up where it broke", async () => {
  const target = join(await testDir("get"), "a.mp4");
  const cuts = [cutAt(`${target}.part`, 100_000), cutAt(`${target}.part`, 50_000, 150_000)];
  const edge = await fakeEdge({ file: FILE, cuts });
  expect(await downloadFile(`${edge.url}/f/a`, target)).toBe(FILE.length);
  expect(FILE.equals(await readFile(target))).toBe(true);
  expect(ranges(edge)).toEqual([undefined, "bytes=100000-", "bytes=150000-"]);
  expect(existsSync(`${target}.part.etag`)).toBe(false);
});

test("a later call goes on with the part, unless the file is another by now", async () => {
  const target = join(await testDir("get"), "a.mp4");
  const cuts = [cutAt(`${target}.part`, 100_000), ...Array.from({ length: 5 }, () => ({ after: 0 }))];
  const edge = await fakeEdge({ file: FILE, cuts });
  await expect(downloadFile(`${edge.url}/f/a`, target)).rejects.toThrow("the same command goes on where it stopped");
  expect((await readFile(`${target}.part`)).length).toBe(100_000);

  const other = randomBytes(200_000);
  edge.setFile(other);
  expect(await downloadFile(`${edge.url}/f/a`, target)).toBe(other.length);
  expect(other.equals(await readFile(target))).toBe(true);
  expect(ranges(edge).at(-1)).toBe("bytes=100000-");
});

test("a part that was whole already is only renamed", async () => {
  const target = join(await testDir("get"), "a.mp4");
  const edge = await fakeEdge({ file: FILE });
  await writeFile(`${target}.part`, FILE);
  await writeFile(`${target}.part.etag`, edge.etag());
  expect(await downloadFile(`${edge.url}/f/a`, target)).toBe(FILE.length);
  expect(ranges(edge)).toEqual([`bytes=${FILE.length}-`]);
});
