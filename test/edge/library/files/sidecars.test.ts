/** Sidecars (library API 9.2) and ZIP downloads (9.6). */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { sidecarsOf } from "../../../../edge/library/tree/sidecars.ts";
import { sweepTree } from "../../../../edge/sweep/tree.ts";
import { type Account, call, newAccount } from "../../support.ts";
import { namesIn, putByHand, removeByHand } from "./support.ts";

let account: Account;
const sidecarOf = async (path: string, spell?: (told: string) => string) =>
  (await sidecarsOf(env.DB, account.id, [path], spell))[0] ?? {};
const FILES = [
  "ch/m3.mp4",
  "ch/m3.en.srt",
  "ch/m3.vtt",
  "ch/m3.deu.ass",
  "ch/m3.sub",
  "ch/m3.part",
  "ch/m3.jpg",
  "ch/m3.info.json",
  "ch/m3.torrent",
  "ch/m3.m4a",
  "ch/m3.5.mp4",
  "ch/m3.5.en.srt",
  "ch/m30.srt",
  "ch/poster.jpg",
  "ch/fanart.webp",
  "ch/other.png",
];

beforeAll(async () => {
  account = await newAccount();
  for (const path of FILES) await putByHand(account, path, path);
  await putByHand(account, "ch/m3.empty.srt", "");
  await namesIn(account, "ch");
});

describe("the sidecar object", () => {
  it("has what shares the stem, by kinds, and the folder's own pictures", async () => {
    const sidecar = await sidecarOf("ch/m3.mp4");
    expect(Object.keys(sidecar)).toEqual(["subtitle", "image", "text", "audio", "metadata", "Unknown"]);
    expect(sidecar).toEqual({
      subtitle: [
        { file: "ch/m3.deu.ass", lang: "deu", name: "ASS (0) - deu" },
        { file: "ch/m3.en.srt", lang: "en", name: "SRT (1) - en" },
        { file: "ch/m3.vtt", lang: "und", name: "VTT (8) - und" },
      ],
      image: [{ file: "ch/m3.jpg" }, { file: "ch/poster.jpg" }, { file: "ch/fanart.webp" }],
      text: [{ file: "ch/m3.info.json" }],
      audio: [{ file: "ch/m3.m4a" }],
      metadata: [{ file: "ch/m3.torrent" }],
      Unknown: [{ file: "ch/m3.part" }, { file: "ch/m3.sub" }],
    });
  });

  it("of a file whose stem is longer takes its own from the shorter one", async () => {
    expect(await sidecarOf("ch/m3.5.mp4", (path) => `/downloads/${path}`)).toMatchObject({
      subtitle: [{ file: "/downloads/ch/m3.5.en.srt", lang: "en", name: "SRT (0) - en" }],
    });
  });

  it("of many files is found at once, each its own", async () => {
    const paths = ["ch/m3.5.mp4", "ch/m3.jpg", "ch/m3.mp4", "ch/m3.5.mp4"];
    const each = await Promise.all(paths.map((path) => sidecarOf(path)));
    expect(await sidecarsOf(env.DB, account.id, paths)).toEqual(each);
  });

  it("is empty for what is no media file, and for one that has nothing", async () => {
    expect(await sidecarOf("ch/m3.jpg")).toEqual({});
    expect(await sidecarOf("elsewhere/m3.mp4")).toEqual({});
  });
});

interface Link {
  token: string;
  files: string[];
}

const link = (paths: unknown, by = account) => by.api<Link & { error?: string }>("POST", "/api/file/download", paths);
const zip = (token: string, by = account, method = "GET") =>
  call(`/api/file/download/${token}`, { method, headers: { "x-api-key": by.key } });

/** Names and texts of a ZIP of stored entries, by its central directory. */
function unzip(bytes: Uint8Array): Record<string, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (from: number, length: number) => new TextDecoder().decode(bytes.subarray(from, from + length));
  const end = bytes.length - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  const files: Record<string, string> = {};
  let at = view.getUint32(end + 16, true);
  for (let n = view.getUint16(end + 10, true); n > 0; n--) {
    const [size, name, extra] = [
      view.getUint32(at + 24, true),
      view.getUint16(at + 28, true),
      view.getUint16(at + 30, true),
    ];
    const local = view.getUint32(at + 42, true);
    files[text(at + 46, name)] = text(local + 30 + view.getUint16(local + 26, true), size);
    at += 46 + name + extra;
  }
  return files;
}

describe("a ZIP", () => {
  it("has the files that were named and their sidecars, each once, under their paths", async () => {
    const { status, body } = await link([
      "ch/m3.5.mp4",
      "/ch/m3.5.mp4/",
      "ch/m3.5.en.srt",
      "ch",
      "nope.mp4",
      "ch/../ch/m3.mp4",
    ]);
    expect(status).toBe(200);
    expect(body.token).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(body.files).toEqual(["ch/m3.5.mp4", "ch/m3.5.en.srt", "ch/poster.jpg", "ch/fanart.webp"]);
    for (let time = 0; time < 2; time++) {
      const answer = await zip(body.token);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "content-type": "application/zip",
        "content-disposition": `attachment; filename="${body.token}.zip"`,
      });
      const files = unzip(new Uint8Array(await answer.arrayBuffer()));
      expect(files).toEqual(Object.fromEntries(body.files.map((path) => [path, path])));
    }
    const head = await zip(body.token, account, "HEAD");
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("has what is there when it is fetched", async () => {
    const own = await newAccount();
    for (const name of ["a", "b", "c"]) await putByHand(own, `${name}.txt`, name);
    const { body } = await link(["a.txt", "b.txt", "c.txt"], own);
    await putByHand(own, "a.txt", "changed");
    await removeByHand(own, "b.txt");
    await namesIn(own);
    const files = unzip(new Uint8Array(await (await zip(body.token, own)).arrayBuffer()));
    expect(files).toEqual({ "a.txt": "changed", "c.txt": "c" });
  });

  it("that loses a file on its way breaks off, and is not taken for whole", async () => {
    const own = await newAccount();
    await putByHand(own, "a.txt", "a");
    await putByHand(own, "b.txt", "b");
    const { body } = await link(["a.txt", "b.txt"], own);
    await removeByHand(own, "b.txt");
    const answer = await zip(body.token, own);
    await expect(answer.arrayBuffer()).rejects.toThrow();
  });

  it("is of the account that asked for it, for ten minutes", async () => {
    const { body } = await link(["ch/m3.mp4"]);
    const invalid = { error: "Invalid or expired download token." };
    const other = await newAccount();
    for (const [token, by] of [
      [body.token, other],
      [crypto.randomUUID(), account],
      ["nope", account],
    ] as const) {
      const answer = await zip(token, by);
      expect([answer.status, await answer.json()]).toEqual([400, invalid]);
    }
    const left = await env.DB.prepare("SELECT expires_at FROM zip_tokens WHERE token = ?")
      .bind(body.token)
      .first<number>("expires_at");
    expect(Math.abs((left ?? 0) - Date.now() - 600_000)).toBeLessThan(60_000);
    await env.DB.prepare("UPDATE zip_tokens SET expires_at = ? WHERE token = ?")
      .bind(Date.now() - 1, body.token)
      .run();
    expect((await zip(body.token)).status).toBe(400);
    await sweepTree(env, () => {}, Date.now());
    expect(await env.DB.prepare("SELECT * FROM zip_tokens WHERE token = ?").bind(body.token).first()).toBeNull();
  });

  it.each([
    [{}, "Invalid parameters."],
    [[], "Invalid parameters."],
    [["ch/m3.mp4", 1], "Invalid parameters."],
    [["nope.mp4", "ch", "..", ""], "No valid files."],
    ["{", "Invalid JSON."],
    [Array.from({ length: 1_001 }, () => "ch/m3.mp4"), "Too many items (max 1000)."],
  ])("of %j is refused: %s", async (body, error) => {
    const answer = await link(body);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  });
});
