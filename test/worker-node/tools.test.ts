import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isOlder } from "../../shared/ytdlp-version.ts";
import { resolveTools } from "../../worker-node/tools.ts";

const PATH = "/usr/local/bin:/usr/bin:/bin";
const fake = resolve(import.meta.dirname, "fakes/fake-ytdlp.sh");
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trawl-tools-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** An executable that answers `--version` so. */
function ytDlpOf(version: string, folder: string): string {
  mkdirSync(join(root, folder), { recursive: true });
  const path = join(root, folder, "yt-dlp");
  writeFileSync(path, `#!/bin/sh\necho ${version}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("resolveTools", () => {
  it("takes the yt-dlp that the operator names, with ffmpeg and ffprobe of PATH", async () => {
    const tools = await resolveTools({ env: { PATH, TRAWL_YTDLP: fake }, checkout: root });
    expect(tools.ytdlp).toMatchObject({ command: [fake], version: "2026.08.01", tooOld: false, takesJsRuntime: false });
    expect(tools.ffmpeg.version).toMatch(/^\d/);
    expect(tools.ffprobe.command[0]).toMatch(/\/ffprobe$/);
  });

  it("takes an old one that is named, and says that it is old", async () => {
    const path = ytDlpOf("2023.03.04", "named");
    const tools = await resolveTools({ env: { PATH, TRAWL_YTDLP: path }, checkout: root });
    expect(tools.ytdlp).toMatchObject({ version: "2023.03.04", tooOld: true });
  });

  it("prefers PATH when that is new enough, else the checkout's own", async () => {
    const own = ytDlpOf("2026.09.01", ".trawl/tools/usr/bin");
    const old = join(ytDlpOf("2023.03.04", "old"), "..");
    const good = join(ytDlpOf("2026.08.09", "good"), "..");
    const find = async (folder: string) =>
      (await resolveTools({ env: { PATH: `${folder}:${PATH}` }, checkout: root })).ytdlp;
    expect((await find(good)).version).toBe("2026.08.09");
    expect((await find(old)).command).toEqual([own]);
  });

  it("says what to install when there is none", async () => {
    const old = join(ytDlpOf("2023.03.04", "old"), "..");
    const finding = resolveTools({ env: { PATH: `${old}:/usr/bin` }, checkout: join(root, "none") });
    await expect(finding).rejects.toThrow(
      /no yt-dlp of 2026\.07\.04 or newer \(.* is of 2023\.03\.04\): run scripts\/setup\.sh/,
    );
    const env = { PATH, TRAWL_YTDLP: fake, TRAWL_FFMPEG: "/nonexistent/ffmpeg" };
    await expect(resolveTools({ env, checkout: root })).rejects.toThrow(/install ffmpeg/);
  });
});

describe("isOlder", () => {
  it.each([
    ["2026.07.03", "2026.07.04", true],
    ["2026.07.04", "2026.07.04", false],
    ["2026.7.4.123456", "2026.07.04", false],
    ["2027.01.01", "2026.12.31", false],
    ["2025.12.31", "2026.01.01", true],
  ])("%s than %s: %s", (version, minimum, expected) => {
    expect(isOlder(version, minimum)).toBe(expected);
  });
});
