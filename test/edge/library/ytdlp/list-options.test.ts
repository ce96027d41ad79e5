/** `GET /api/yt-dlp/options` (library API 5.5). */
import { describe, expect, it } from "vitest";
import { type Json, newAccount } from "../../support.ts";
import { asked, VERSION } from "./asked-node.ts";

const PATH = "/api/yt-dlp/options";
const GENERAL = "General Options";
const shown = (version: string) => ({
  version,
  options: [
    { flags: ["-i", "--ignore-errors"], description: "Ignore download and postprocessing errors", group: GENERAL },
    { flags: ["-h", "--help"], description: "Print this help text and exit", group: GENERAL },
    { flags: ["--exec"], description: "Execute a command", group: "Post-Processing Options" },
    { flags: ["--brand-new"], description: "Of the next version", group: GENERAL },
  ],
});

describe("the options of yt-dlp", () => {
  it("stand in its order, with what may not be given marked", async () => {
    const { account } = await asked(() => shown(VERSION));
    const { status, body } = await account.api<Json[]>("GET", PATH);
    expect(status).toBe(200);
    expect(body[0]).toEqual({
      ...{ flags: ["-i", "--ignore-errors"], description: "Ignore download and postprocessing errors" },
      ...{ group: GENERAL, ignored: false },
    });
    expect(body.map((option) => option.ignored)).toEqual([false, true, true, true]);
  });

  it("are asked once for a version, and answered without a node then", async () => {
    const { account, questions, close } = await asked(() => shown(VERSION));
    const [first, second] = [await account.api("GET", PATH), await account.api("GET", PATH)];
    close();
    expect(await account.api("GET", PATH)).toMatchObject({ status: 200, body: first.body });
    expect(second.body).toEqual(first.body);
    expect(questions).toHaveLength(1);
  });

  it("are asked again for another version, of which the last one stands in without a node", async () => {
    const { account, questions, close } = await asked((_, count) => shown(count === 1 ? "2026.01.01" : "2026.02.02"));
    await account.api("GET", PATH);
    await account.api("GET", PATH);
    expect(questions, "the node's session says a third one").toHaveLength(2);
    close();
    expect((await account.api("GET", PATH)).status).toBe(200);
  });

  it("are those of the shipped yt-dlp where no node was ever asked, whatever nodes of others have said", async () => {
    const { account } = await asked(() => shown(VERSION));
    await account.api("GET", PATH);
    const { status, body } = await (await newAccount()).api<Json[]>("GET", PATH);
    expect(status).toBe(200);
    expect(body.length).toBeGreaterThan(200);
    const ignored = (flag: string) => body.find(({ flags }) => (flags as string[]).includes(flag))?.ignored;
    expect(["--brand-new", "--exec", "--output", "--downloader", "--format"].map(ignored)).toEqual([
      ...[undefined, true, true, true, false],
    ]);
  });
});
