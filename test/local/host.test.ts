import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readCredentials } from "../../edge/local/credentials.ts";
import { dataPaths } from "../../edge/local/data-paths.ts";
import { type Host, startHost } from "../../edge/local/host.ts";
import type { HostOptions } from "../../edge/local/options.ts";
import {
  eventually,
  fixtureFacts,
  fixtureOptions,
  hit,
  isHealthy,
  nodeNotes,
  temporaryFolder,
  whenDone,
} from "./support.ts";

vi.setConfig({ testTimeout: 30_000 });

async function start(options: HostOptions): Promise<Host> {
  const host = await startHost(options);
  whenDone(() => host.stop());
  return host;
}

test("a first start makes an account, a key and a node that enrols once", async () => {
  const folder = await temporaryFolder();
  const host = await start(fixtureOptions(folder));
  const answer = await fetch(`${host.url}/jobs?limit=1`, { headers: { "x-api-key": host.apiKey } });
  expect(answer.status).toBe(200);
  expect(host.isFirstStart).toBe(true);

  const [started] = await eventually(() => (nodeNotes(folder).length > 0 ? nodeNotes(folder) : null));
  expect(started?.argv).toEqual([
    "--edge",
    host.url,
    "--data",
    join(folder, "data", "node"),
    "--slots",
    "2",
    "--name",
    "local",
  ]);
  expect(started?.env).toEqual({
    TRAWL_ENROL_TOKEN: expect.stringMatching(/^enr_/),
    TRAWL_ADMIN_TOKEN: null,
    TRAWL_SECRET: null,
    TRAWL_KEK: null,
    TRAWL_API_KEY: null,
  });
  const facts = await fixtureFacts(host);
  expect(facts.keys).toEqual([{ key: host.apiKey }]);
  expect(facts.enrolments).toEqual([{ id: expect.any(String), uses: 1 }]);
});

test("a second start finds account, key, node and objects as they were", async () => {
  const folder = await temporaryFolder();
  const first = await start(fixtureOptions(folder));
  expect(await hit(first.url)).toBe(1);
  await eventually(() => nodeNotes(folder).length > 0);
  await first.stop();

  const second = await start(fixtureOptions(folder));
  expect(second.isFirstStart).toBe(false);
  expect(second.apiKey).toBe(first.apiKey);
  expect(await hit(second.url)).toBe(2);
  const facts = await fixtureFacts(second);
  expect(facts.keys).toHaveLength(1);
  expect(facts.enrolments).toHaveLength(1);
  const restarted = await eventually(() => nodeNotes(folder).filter(({ event }) => event === "started")[1]);
  expect(restarted.env).toMatchObject({ TRAWL_ENROL_TOKEN: null });
});

test("the Worker may tell its host to stop, and nothing else; its answer still gets out", async () => {
  const folder = await temporaryFolder();
  const host = await start({ ...fixtureOptions(folder), node: false });
  const order = (method: string, path: string) => fetch(`${host.url}/host${path}`, { method });
  expect([(await order("GET", "/shutdown")).status, (await order("POST", "/")).status]).toEqual([404, 404]);
  expect(await isHealthy(host.url)).toBe(true);
  expect((await order("POST", "/shutdown")).status).toBe(202);
  await host.exited;
  expect(await isHealthy(host.url)).toBe(false);
});

test("migrations are applied whole, in order and once, in wrangler's table", async () => {
  const folder = await temporaryFolder();
  const options = { ...fixtureOptions(folder), node: false };
  const first = await start(options);
  const { migrations, counters } = await fixtureFacts(first);
  expect(migrations).toEqual([
    { id: 1, name: "0001_tables.sql", applied_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) },
    { id: 2, name: "0002_enrolments.sql", applied_at: expect.any(String) },
  ]);
  // The row comes from an INSERT with a semicolon in a string, its value from a trigger: no statement was lost.
  expect(counters).toContainEqual({ name: "accounts; made", value: 1 });
  await first.stop();
  const second = await start(options);
  expect((await fixtureFacts(second)).migrations).toEqual(migrations);
});

test("a migration that fails stops the start, leaves nothing of itself and names the file", async () => {
  const folder = await temporaryFolder();
  const migrations = join(folder, "migrations");
  const sql = "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n";
  await mkdir(migrations);
  await writeFile(join(migrations, "0001_broken.sql"), sql);
  const options = { ...fixtureOptions(folder), migrations, node: false };
  await expect(startHost(options)).rejects.toThrow(/migration 0001_broken.sql failed/);
  // The same again: had half of it stayed, the table would now be in the way with another message.
  await expect(startHost(options)).rejects.toThrow(/nowhere/);
});

test("secrets are kept for their owner alone, and presets win", async () => {
  const folder = await temporaryFolder();
  const options = fixtureOptions(folder);
  const host = await start({
    ...options,
    node: false,
    env: {
      ...options.env,
      TRAWL_API_KEY: "sk_preset",
      TRAWL_SECRET: "preset-secret",
      TRAWL_RATE: "7",
      TRAWL_REGION: "",
    },
  });
  const paths = dataPaths(join(folder, "data"));
  // Others may pass through to the folder of the node's tools, and list nothing.
  expect((await stat(paths.dir)).mode & 0o777).toBe(0o711);
  expect((await stat(paths.state)).mode & 0o777).toBe(0o700);
  expect((await stat(paths.credentials)).mode & 0o777).toBe(0o600);
  expect(await readCredentials(paths.credentials)).toMatchObject({ url: host.url, api_key: "sk_preset" });

  const { vars, keys } = await fixtureFacts(host);
  expect(keys).toEqual([{ key: "sk_preset" }]);
  expect(vars).toMatchObject({ TRAWL_SECRET: "preset-secret", TRAWL_STORE: "disk", TRAWL_RATE: "7" });
  expect(vars.TRAWL_KEK).toMatch(/^k1:[A-Za-z0-9+/]{43}=$/);
  expect(vars.TRAWL_STORE_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(Object.keys(vars)).not.toContain("TRAWL_REGION");
  expect(Object.keys(vars)).not.toContain("TRAWL_API_KEY");
});

test("a key on disk is given to the edge again when its state was removed", async () => {
  const folder = await temporaryFolder();
  const options = { ...fixtureOptions(folder), node: false };
  const first = await start(options);
  await first.stop();
  await rm(join(folder, "data", "state"), { recursive: true });
  const second = await start(options);
  const answer = await fetch(`${second.url}/jobs`, { headers: { "x-api-key": first.apiKey } });
  expect(answer.status).toBe(200);
});

test("what the Worker fetches goes through the given outbound service", async () => {
  const folder = await temporaryFolder();
  const asked: string[] = [];
  const outbound = async (request: Request): Promise<Response> => {
    asked.push(request.url);
    return new Response("from the guard", { status: 418 });
  };
  const host = await start({ ...fixtureOptions(folder), node: false, outbound });
  const answer = await fetch(`${host.url}/fetch?url=http://127.0.0.1:1/x`);
  expect([answer.status, await answer.text()]).toEqual([418, "from the guard"]);
  expect(asked).toEqual(["http://127.0.0.1:1/x"]);
});

test("a client that reads slowly makes nobody hold the file: it comes no faster than it is read", async () => {
  const PIECE = 256 * 1024;
  const PIECES = 384;
  // Sockets on the way hold some of it: six of them, a few megabytes each.
  const UNDER_WAY = 48 * 1024 ** 2;
  let sent = 0;
  const outbound = async () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(PIECE).fill(sent++));
          if (sent === PIECES) controller.close();
        },
      }),
    );
  const host = await start({ ...fixtureOptions(await temporaryFolder()), node: false, outbound });
  const answer = await fetch(`${host.url}/fetch?url=http://media.test/film`);
  let read = 0;
  let ahead = 0;
  for await (const chunk of answer.body ?? []) {
    read += chunk.length;
    ahead = Math.max(ahead, sent * PIECE - read);
    // Others have their turn: whoever takes what is not asked for has all of it by then.
    if (read < UNDER_WAY) await new Promise((resolve) => setImmediate(resolve));
  }
  expect([read, ahead < UNDER_WAY]).toEqual([PIECE * PIECES, true]);
});

test.each([9, 99_000_000])(
  "an answer of %i bytes that breaks off has its status, and breaks off for the Worker",
  async (length) => {
    const outbound = async () => {
      let pulls = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (pulls++ === 0) controller.enqueue(new Uint8Array(4));
          else controller.error(new Error("reset"));
        },
      });
      return new Response(body, { status: 201, headers: { "content-length": String(length) } });
    };
    const host = await start({ ...fixtureOptions(await temporaryFolder()), node: false, outbound });
    const answer = await fetch(`${host.url}/read?url=http://media.test/film`);
    expect(await answer.json()).toEqual({ status: 201, text: null });
  },
);

test("what the Worker fetches is guarded by default, and our own ports are closed even where private ones are open", async () => {
  const site = createServer((_, response) => response.end("private"));
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  whenDone(() => site.close());
  const { port } = site.address() as AddressInfo;
  const answers: [number, string][] = [];
  for (const allow of ["", "1"]) {
    const options = fixtureOptions(await temporaryFolder());
    const host = await start({ ...options, node: false, env: { ...options.env, TRAWL_ALLOW_PRIVATE: allow } });
    for (const url of [`http://127.0.0.1:${port}/`, `${host.url}/health`]) {
      const answer = await fetch(`${host.url}/fetch?url=${encodeURIComponent(url)}`);
      answers.push([answer.status, (await answer.text()).slice(0, 20)]);
    }
  }
  const blocked = [403, expect.anything()];
  expect(answers).toEqual([blocked, blocked, [200, "private"], blocked]);
});

test("a stopping host stops its node while the edge still serves, then lets go of the folder", async () => {
  const folder = await temporaryFolder();
  const host = await start(fixtureOptions(folder));
  await eventually(() => nodeNotes(folder).length > 0);
  await host.stop();
  await host.exited;
  expect(nodeNotes(folder).at(-1)).toMatchObject({ event: "stopping", edge: 200 });
  expect(await isHealthy(host.url)).toBe(false);
  await expect(readFile(dataPaths(join(folder, "data")).lock)).rejects.toThrow("ENOENT");
});

test("a node that does not stop is killed, after it was asked twice", async () => {
  const folder = await temporaryFolder();
  const host = await start(fixtureOptions(folder, "deaf"));
  const [started] = await eventually(() => (nodeNotes(folder).length > 0 ? nodeNotes(folder) : null));
  await host.stop();
  expect(nodeNotes(folder).filter(({ event }) => event === "ignored")).toHaveLength(2);
  expect(() => process.kill(started?.pid as number, 0)).toThrow("ESRCH");
});

test("a node that dies is started again, with a growing wait", async () => {
  const folder = await temporaryFolder();
  await start(fixtureOptions(folder, "brief"));
  const notes = await eventually(() => (nodeNotes(folder).length >= 3 ? nodeNotes(folder) : null));
  expect(new Set(notes.map(({ pid }) => pid)).size).toBe(notes.length);
});

test("a port that is taken is refused with the flag that helps", async () => {
  const folder = await temporaryFolder();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  whenDone(() => other.close());
  const { port } = other.address() as AddressInfo;
  const options = { ...fixtureOptions(folder), port, node: false };
  await expect(startHost(options)).rejects.toThrow(`port ${port} on 127.0.0.1 is in use; choose another with --port`);
});

test("two data folders must not deliver into one downloads folder at once", async () => {
  const folder = await temporaryFolder();
  const options = { ...fixtureOptions(folder), node: false };
  const first = await start(options);
  const other = { ...options, data: join(folder, "other") };
  await expect(startHost(other)).rejects.toThrow("choose another folder with TRAWL_DOWNLOADS");
  await first.stop();
  await start(other);
});

test("the cron handler of the Worker runs", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-12-01T10:00:59.500Z") });
  whenDone(() => vi.useRealTimers());
  const host = await start({ ...fixtureOptions(await temporaryFolder()), node: false });
  await eventually(async () =>
    (await fixtureFacts(host)).counters.some(({ name, value }) => name === "cron" && value > 0),
  );
});
