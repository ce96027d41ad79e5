import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { extractArguments } from "../../../worker-node/media/ytdlp/arguments.ts";
import { commandLineYtDlp } from "../../../worker-node/media/ytdlp/command-line.ts";
import { runTool } from "../../../worker-node/process/run.ts";
import type { YtDlpTool } from "../../../worker-node/tools.ts";
import { realTools } from "./tools.ts";
import { ytDlpConformance } from "./ytdlp.conformance.ts";

ytDlpConformance("command line", async () => {
  const tools = await realTools();
  return commandLineYtDlp(tools.ytdlp, tools.jsRuntime);
});

describe("the real yt-dlp", () => {
  it("takes our Node as its JavaScript runtime, and no other", async () => {
    const { ytdlp, jsRuntime } = await realTools();
    const dir = mkdtempSync(join(tmpdir(), "trawl-js-"));
    const context = { dir, proxyUrl: null, signal: new AbortController().signal };
    const args = extractArguments({ tool: ytdlp, jsRuntime, context }, { url: "x:", oneVideo: true, entries: 1 });
    const { stderrTail } = await runTool([...ytdlp.command, "--verbose", ...args], { dir, env: ytdlp.env });
    rmSync(dir, { recursive: true });
    expect(stderrTail).toContain(`JS runtimes: node-${process.versions.node}\n`);
  });
});

describe("the command line adapter", () => {
  const tool: YtDlpTool = {
    command: [resolve(import.meta.dirname, "../fakes/fake-ytdlp.sh")],
    env: {},
    version: "2026.08.01",
    python: null,
    tooOld: false,
    takesJsRuntime: true,
    files: [],
  };
  const ytdlp = commandLineYtDlp(tool, "/opt/node");
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "trawl-fake-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const context = (signal = new AbortController().signal) => ({ dir, signal, proxyUrl: "http://a:b@127.0.0.1:1" });
  const extract = (url: string, playlist: "auto" | "always" = "auto") =>
    ytdlp.extract({ url, playlist, listLimit: 5 }, context());
  const lines = (name: string) => readFileSync(join(dir, name), "utf8").trim().split("\n");

  it("closes yt-dlp to configuration, plugins and hooks, and puts the address last, after --", async () => {
    await extract("https://example.com/;touch x");
    const args = lines("arguments.txt");
    expect(args.slice(-2)).toEqual(["--", "https://example.com/;touch x"]);
    expect(args).toEqual(
      expect.arrayContaining([
        "--ignore-config",
        "--no-plugin-dirs",
        "--no-cache-dir",
        "--no-exec",
        "--no-cookies",
        "--flat-playlist",
      ]),
    );
    expect(args).not.toContain("--no-check-certificates");
    expect(args[args.indexOf("--proxy") + 1]).toBe("http://a:b@127.0.0.1:1");
    expect(args[args.indexOf("--js-runtimes") + 1]).toBe("node:/opt/node");
    expect(args[args.indexOf("--playlist-items") + 1]).toBe("1:6");
  });

  it("asks for the one video unless a list was wanted", async () => {
    await extract("https://example.com/");
    expect(lines("arguments.txt")).toContain("--no-playlist");
    await extract("https://example.com/", "always");
    expect(lines("arguments.txt")).toContain("--yes-playlist");
  });

  it("passes a hostile format id on in a file only, under a fixed name", async () => {
    const found = await extract("https://example.com/");
    const id = found.kind === "single" ? (found.source.formats[0]?.id ?? "") : "";
    expect(id).toBe("--exec=touch pwned");
    const request = { formatId: id, fileName: "source-0", maxBytes: null, onProgress: () => {} };
    // The fake downloads nothing.
    await expect(ytdlp.download(request, context())).rejects.toMatchObject({ class: "network" });
    expect(lines("arguments.txt").join(" ")).not.toContain("pwned");
    const asked = JSON.parse(readFileSync(join(dir, "source-0.request.json"), "utf8"));
    expect(asked.formats).toMatchObject([{ format_id: "chosen", url: "http://127.0.0.1:1/x" }]);
    expect(asked).not.toHaveProperty("webpage_url");
  });

  it("classifies what yt-dlp says", async () => {
    await expect(extract("https://example.com/fail")).rejects.toMatchObject({ class: "bot" });
  });

  it("fails on an answer that is no JSON", async () => {
    await expect(extract("https://example.com/garbage")).rejects.toMatchObject({ class: "media" });
  });
});
