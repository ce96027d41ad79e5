import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testDir } from "../leaks.ts";
import { clientOf, fakeEdge, trawl } from "./support.ts";

test.each([
  { args: ["fetch"], says: "trawl: unknown command 'fetch' (Did you mean watch?); see: trawl --help" },
  { args: ["add"], says: "trawl add: missing required argument 'url'; see: trawl add --help" },
  {
    args: ["add", "x", "--fast"],
    says: "trawl add: unknown option '--fast' (Did you mean --wait?); see: trawl add --help",
  },
  { args: ["get"], says: "trawl get: missing required argument 'id'; see: trawl get --help" },
  { args: ["up", "--port", "99999"], says: "It must be a whole number from 0 to 65535; see: trawl up --help" },
  { args: ["ls", "--limit", "ten"], says: "It must be a whole number from 1 to 100; see: trawl ls --help" },
  { args: ["ls", "--status", "done"], says: "Allowed choices are pending, processing" },
  { args: ["node"], says: "trawl node: required option '--edge <url>' not specified; see: trawl node --help" },
  { args: ["enrol", "--expires", "soon"], says: "Write it as 90s, 15m, 1h or 7d; see: trawl enrol --help" },
  { args: ["tools", "upgrade"], says: "unknown command 'upgrade'" },
  { args: ["nodes", "stop"], says: "trawl nodes: unknown command 'stop': there are list, drain, resume, remove; see" },
  { args: ["accounts", "add"], says: "trawl accounts: unknown command 'add': there are list, create; see" },
])("usage: trawl $args exits 2 with one line that helps", async ({ args, says }) => {
  const { code, stdout, stderr } = await trawl(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("help and version exit 0, no command at all is usage", async () => {
  const root = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(await readFile(root, "utf8"));
  expect(await trawl(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  const help = await trawl(["add", "--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("--max-resolution");
  const bare = await trawl([]);
  expect(bare.code).toBe(2);
  expect(bare.stderr).toContain("Usage: trawl");
});

test("an edge that is not there is named, with how to start one", async () => {
  const edge = await fakeEdge();
  await edge.close();
  const outcome = await trawl(["ls"], clientOf(edge));
  expect(outcome).toEqual({
    code: 1,
    stdout: "",
    stderr: `trawl: cannot reach ${edge.url} (ECONNREFUSED): is it running? start it with: trawl up, or set TRAWL_EDGE\n`,
  });
});

test("a missing and a wrong key say what to set", async () => {
  const edge = await fakeEdge();
  const without = await trawl(["ls"], { TRAWL_EDGE: edge.url });
  expect(without.stderr).toContain("no API key: set TRAWL_API_KEY");
  expect(edge.requests).toHaveLength(0);
  const wrong = await trawl(["ls"], { TRAWL_EDGE: edge.url, TRAWL_API_KEY: "sk_wrong" });
  expect(wrong).toMatchObject({
    code: 1,
    stderr: `trawl: Invalid API Key: set TRAWL_API_KEY to the one of ${edge.url}\n`,
  });
  const noUrl = await trawl(["ls"], { TRAWL_EDGE: "ftp://example.com", TRAWL_API_KEY: "sk_wrong" });
  expect(noUrl.stderr).toBe("trawl: TRAWL_EDGE must be an http or https URL, not ftp://example.com\n");
});

test("the data folder of the current directory serves as a default, but for its own edge only", async () => {
  const [own, foreign] = [await fakeEdge(), await fakeEdge()];
  const cwd = await testDir("cwd");
  await mkdir(join(cwd, ".trawl"));
  const kept = { url: own.url, api_key: "sk_fake", admin_token: "adm_fake", secret: "s", kek: "k", store_secret: "s" };
  await writeFile(join(cwd, ".trawl", "credentials.json"), JSON.stringify(kept));
  expect(await trawl(["ls"], {}, cwd)).toMatchObject({ code: 0 });
  const localhost = own.url.replace("127.0.0.1", "localhost");
  expect(await trawl(["ls"], { TRAWL_EDGE: localhost }, cwd)).toMatchObject({ code: 0 });
  expect(await trawl(["ls"], { TRAWL_EDGE: foreign.url }, cwd)).toMatchObject({ code: 1 });
  expect(foreign.requests).toHaveLength(0);
});

test("enrol prints the command that starts a node", async () => {
  const edge = await fakeEdge();
  const args = ["enrol", "--uses", "3", "--expires", "2h", "--tag", "region=eu", "--tag", "gpu=no"];
  const outcome = await trawl(args, clientOf(edge));
  expect(outcome.stdout).toBe(`trawl node --edge ${edge.url} --token enr_1\n`);
  expect(edge.requests.at(-1)?.body).toEqual({ uses: 3, expires_in: 7_200, tags: ["region=eu", "gpu=no"] });
});
