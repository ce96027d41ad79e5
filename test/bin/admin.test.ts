import { expect, test } from "vitest";
import { NEW_NODE, NODE, QUIET_NODE } from "./fake-admin.ts";
import { FAILED } from "./fake-edge.ts";
import { clientOf, fakeEdge, trawl } from "./support.ts";

test("nodes lists the fleet as a table, free of a name's control characters", async () => {
  const edge = await fakeEdge();
  const { code, stdout, stderr } = await trawl(["nodes"], clientOf(edge));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, ...rows] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^ID +NAME +STATE +RUNNING +SLOTS +YT-DLP +RUN BY +LAST SEEN +TAGS +RESTS FROM +QUIET BECAUSE$/);
  expect(rows[0]).toMatch(
    /^n1 +fra-07 +running +2 +4 +2026\.10\.26 +command-line +2026-12-01T10:00:00 +region=eu +busy\.example +-$/,
  );
  expect(rows[1]).toMatch(/^n2 +fra- \[31m08 +offline +0 +- +- +- +never +- +- +-$/);
  expect(rows[2]).toMatch(/^n3 +fra-09 +quiet .* yt-dlp 2026\.05\.01 is older than 2026\.07\.04$/);
  expect(edge.requests.at(-1)).toMatchObject({ method: "GET", path: "/admin/nodes" });
  expect(edge.requests.at(-1)?.headers).toMatchObject({ authorization: "Bearer adm_fake" });
});

test("nodes names the partitions that did not answer, apart from the table", async () => {
  const edge = await fakeEdge({ unavailable: ["p1:auto:2"] });
  const { code, stdout, stderr } = await trawl(["nodes"], clientOf(edge));
  expect(code).toBe(0);
  expect(stdout).toContain("fra-07");
  expect(stderr).toBe("trawl: partition p1:auto:2 did not answer: what it knows of the nodes is missing\n");
});

test("nodes --json prints the answer on one line", async () => {
  const edge = await fakeEdge();
  const { stdout } = await trawl(["nodes", "--json"], clientOf(edge));
  expect(JSON.parse(stdout)).toEqual({ nodes: [NODE, NEW_NODE, QUIET_NODE] });
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
});

test.each([
  ["drain", "fra-07 is quiet; 2 of its jobs still run\n"],
  ["resume", "fra-07 is running; nothing runs on it\n"],
  ["remove", "n1 is removed; its jobs go to other nodes\n"],
])("nodes %s says how the node stands then", async (what, says) => {
  const edge = await fakeEdge();
  expect(await trawl(["nodes", what, "n1"], clientOf(edge))).toEqual({ code: 0, stdout: says, stderr: "" });
});

test("an order prints JSON too, and to an unknown node is a failure in the edge's words that says where the ids are", async () => {
  const edge = await fakeEdge();
  const json = await trawl(["nodes", "drain", "n1", "--json"], clientOf(edge));
  expect(JSON.parse(json.stdout)).toMatchObject({ id: "n1", state: "quiet" });
  const unknown = await trawl(["nodes", "remove", "n9"], clientOf(edge));
  expect(unknown).toEqual({ code: 1, stdout: "", stderr: "trawl: Node not found: see the ids with: trawl nodes\n" });
});

test("accounts lists and creates; the id alone is on stdout", async () => {
  const edge = await fakeEdge();
  const listed = await trawl(["accounts"], clientOf(edge));
  expect(listed.stdout).toMatch(
    /^ID +POOL +CREATED +NAME +LIMITS\na1 +own_first +2026-12-01T10:00:00 +Studio North +max_queued=7\n$/,
  );
  const created = await trawl(["accounts", "create", "Studio North", "--pool", "own"], clientOf(edge));
  expect(created).toEqual({ code: 0, stdout: "a1\n", stderr: "give it a key with: trawl keys create a1\n" });
  expect(edge.requests.at(-1)?.body).toEqual({ name: "Studio North", pool: "own" });
});

test("keys create prints the key alone on stdout, and sends the scopes", async () => {
  const edge = await fakeEdge();
  const flags = ["--scope", "jobs:read", "--scope", "usage:read", "--name", "ci"];
  const created = await trawl(["keys", "create", "a1", ...flags], clientOf(edge));
  expect(created).toEqual({ code: 0, stdout: "sk_abc\n", stderr: "shown this once; id k1, may jobs:read\n" });
  expect(edge.requests.at(-1)?.body).toEqual({ scopes: ["jobs:read", "usage:read"], name: "ci" });
  await trawl(["keys", "create", "a1"], clientOf(edge));
  expect(edge.requests.at(-1)?.body).toEqual({});
});

test("keys revoke says so", async () => {
  const edge = await fakeEdge();
  expect(await trawl(["keys", "revoke", "k1"], clientOf(edge))).toMatchObject({ code: 0, stdout: "k1 is revoked\n" });
  expect(edge.requests.at(-1)).toMatchObject({ method: "DELETE", path: "/admin/keys/k1" });
});

test("an id cannot lead to another path", async () => {
  const edge = await fakeEdge();
  await trawl(["nodes", "remove", "../accounts/a1"], clientOf(edge));
  expect(edge.requests.at(-1)?.path).toBe("/admin/nodes/..%2Faccounts%2Fa1");
});

test.each([["nodes"], ["keys", "revoke", "k1"]])("%s without the admin token says what to set", async (...args) => {
  const edge = await fakeEdge();
  const { TRAWL_ADMIN_TOKEN: _, ...env } = clientOf(edge);
  const { code, stderr } = await trawl(args, env);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^trawl: no admin token: set TRAWL_ADMIN_TOKEN, or run this where .*\n$/);
  expect(edge.requests).toEqual([]);
});

test("retry makes a new job of a failed one, and follows it with --wait", async () => {
  const edge = await fakeEdge({ script: () => FAILED });
  const env = clientOf(edge);
  await trawl(["add", "--wait", "https://a.example/1"], env);
  const retried = await trawl(["retry", "job-1"], env);
  expect(retried).toEqual({ code: 0, stdout: "job-2\n", stderr: "" });
  const request = edge.requests.at(-1);
  expect(request).toMatchObject({ method: "POST", path: "/jobs/job-1/retry" });
  expect(request?.headers["x-idempotency-key"]).toEqual(expect.any(String));
  const waited = await trawl(["retry", "job-1", "--wait"], env);
  expect(waited).toMatchObject({ code: 0, stdout: "job-3  Completed  videos/A talk.mp4  6 B\n" });
  const refused = await trawl(["retry", "job-3"], env);
  expect(refused).toEqual({ code: 1, stdout: "", stderr: "trawl: Only failed jobs can be retried\n" });
});

test.each([
  { args: ["nodes", "pause", "n1"], says: "see: trawl nodes --help" },
  { args: ["nodes", "drain"], says: "missing required argument 'id'" },
  { args: ["keys"], says: "" },
  { args: ["keys", "create"], says: "missing required argument 'account'" },
  { args: ["keys", "create", "a1", "--scope", "all"], says: "Allowed choices are jobs:read, jobs:write" },
  { args: ["accounts", "create", "x", "--pool", "all"], says: "Allowed choices are own, own_first, shared" },
  { args: ["retry"], says: "missing required argument 'id'" },
])("usage: trawl $args exits 2 and asks nobody", async ({ args, says }) => {
  const edge = await fakeEdge();
  const { code, stdout, stderr } = await trawl(args, clientOf(edge));
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(says);
  expect(edge.requests).toEqual([]);
});
