/** Requests over all routes: each part near what the route wants, or far from it. */
import fc from "fast-check";
import type { Endpoint } from "../../../edge/routes/endpoint.ts";
import { ENDPOINTS } from "../../../edge/routes/endpoints.ts";
import { PARTITION } from "../fleet-node.ts";
import { deep, headerText, json, text } from "./values.ts";

export interface Generated {
  endpoint: Endpoint;
  method: string;
  path: string;
  body: string | null;
  headers: Record<string, string>;
}

/** What there is to be named in paths, queries and bodies. */
export interface World {
  ids: readonly string[];
  key: string;
  admin: string;
  /** Of a node's session. */
  session: string;
  leaseId: string;
}

/** It is not there: a storage that was taken would be a change of its own. */
const S3 = {
  endpoint: "https://s3.fake",
  bucket: "not-there",
  region: "us-east-1",
  access_key: "AKFUZZ",
  secret_key: "secret-of-AKFUZZ",
};

const TARGET = { url: "https://example.com/", method: "PUT", headers: [{ key: "a", value: "b" }] };
const DEFINITION = { parse: { items: { selector: "li", fields: { link: { type: "css", expression: "a" } } } } };

/** Bodies that would be taken, by operation id. */
const GOOD: Record<string, object> = {
  "create-job": { url: "https://media.example.com/v1", folder: "talks", clip_start: "1", clip_end: "2", tags: ["a=b"] },
  "create-bulk": { jobs: [{ url: "https://media.example.com/v1", filename: "a" }], paused: true, metadata: { a: 1 } },
  "retry-job": {},
  "rename-batch-jobs": { renames: [{ job_id: "01a2310c-0100-726b-b2a7-4de452e6b438", filename: "a" }] },
  "set-slack": { webhook_url: "https://hooks.slack.com/services/T0/B0/x", notify_level: "all" },
  "set-s3-storage": { ...S3, folder_prefix: "p/", base_folder: "b" },
  "set-bucket": S3,
  "set-blob-storage": { account_name: "studionorth", container: "my-videos", account_key: "c2VjcmV0" },
  "set-gcs-storage": { project_id: "p", bucket: "my-videos", service_account_json: "{}" },
  "set-oss-storage": {
    endpoint: "https://oss.example.com",
    bucket: "my-videos",
    access_key_id: "a",
    access_key_secret: "s",
  },
  "create-preset": { name: "Fuzz", cli: "--write-subs", cookies: "", priority: 1 },
  "create-dl-field": { name: "Fuzz", field: "--fuzz", kind: "bool", order: 1, extras: {} },
  "create-condition": { name: "Fuzz", filter: "duration > 10m", cli: "--write-subs", extras: {}, enabled: true },
  "create-notification": { name: "Fuzz", on: ["test"], presets: ["default"], request: TARGET },
  "patch-notification": { request: TARGET },
  "create-task": { name: "Fuzz", url: "https://media.example.com/v1", timer: "5 */2 * * *", auto_start: false },
  "create-task-definition": { name: "Fuzz", priority: 1, match_url: ["/a+/"], definition: DEFINITION },
  "put-task-definition": { match_url: ["*"], definition: DEFINITION },
  "create-account": { name: "Fuzz", limits: { max_queued: 5 }, pool: "own" },
  "patch-account": { name: "Fuzz", username: "fuzz", password: "secret" },
  "create-key": { name: "Fuzz", scopes: ["jobs:read"], limits: {} },
  "create-enrolment": { uses: 1, expires_in: 60, tags: ["a=b"] },
  "register-node": { enrolment: "x", public_key: "A".repeat(43), name: "fuzz" },
  "session-challenge": { node_id: "01a2310c-0100-726b-b2a7-4de452e6b438" },
  heartbeat: { holding: [], slots: { download: 1, live: 1 }, state: "running" },
};
const URL_BODY = { url: "https://media.example.com/v1" };
const QUERY_NAMES = [
  ...["limit", "offset", "status", "batch_id", "cursor", "job_id", "force"],
  ...["last_event_id", "expires", "signature", "page", "order"],
];

/** A route that reads a body has more that can be wrong. */
const weighted = ENDPOINTS.map((endpoint) => ({
  weight: endpoint.method === "POST" || endpoint.method === "PATCH" ? 5 : 1,
  arbitrary: fc.constant(endpoint),
}));

export function requests(world: World): fc.Arbitrary<Generated> {
  return fc.oneof(...weighted).chain((endpoint) =>
    fc
      .record({
        method: fc.oneof(
          { weight: 30, arbitrary: fc.constant(endpoint.method as string) },
          { weight: 1, arbitrary: fc.constantFrom("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") },
        ),
        path: pathOf(endpoint, world),
        query: queryOf(world),
        body: bodyOf(endpoint, world),
        headers: headersOf(endpoint, world),
      })
      .map(({ method, path, query, body, headers }) => ({
        endpoint,
        method,
        path: path + query,
        body: method === "GET" || method === "HEAD" ? null : body,
        headers,
      })),
  );
}

function idText(world: World): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...world.ids) },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 2, arbitrary: text.map((each) => each.slice(0, 2_000)) },
  );
}

function pathOf(endpoint: Endpoint, world: World): fc.Arbitrary<string> {
  const parts = endpoint.path.split("/").map((part) => {
    if (part === ":partition") return fc.constantFrom(PARTITION, PARTITION, "p9:auto:0", "x");
    if (part.includes("[0-9]")) return fc.oneof(fc.constantFrom("1", "9", "0", "007", "9".repeat(400)), idText(world));
    if (part.startsWith(":") || part === "*") return idText(world);
    return fc.constant(part);
  });
  return fc.tuple(...parts).map((all) => all.map(encode).join("/"));
}

/** A lone surrogate has no UTF-8. */
function encode(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}

function queryOf(world: World): fc.Arbitrary<string> {
  const value = fc.oneof(
    idText(world),
    fc.integer().map(String),
    fc.constantFrom("true", "failed", "100", "1e3", "MDFh"),
  );
  return fc
    .array(fc.tuple(fc.constantFrom(...QUERY_NAMES), value), { maxLength: 3 })
    .map((pairs) => (pairs.length === 0 ? "" : `?${pairs.map(([name, each]) => `${name}=${encode(each)}`).join("&")}`));
}

function bodyOf(endpoint: Endpoint, world: World): fc.Arbitrary<string | null> {
  // The id of a lease belongs to one node.
  const lease = { request_id: world.leaseId, slots: { download: 1, live: 0 } };
  const good = endpoint.operationId === "lease-jobs" ? lease : (GOOD[endpoint.operationId] ?? URL_BODY);
  const keys = fc.constantFrom(
    ...Object.keys(good),
    "url",
    "storage",
    "metadata",
    "priority",
    "max_duration",
    "playlist",
  );
  const wrong = fc.oneof(json, fc.constantFrom(...world.ids));
  const mutated = fc
    .array(fc.tuple(keys, wrong), { minLength: 1, maxLength: 3 })
    .map((changes) => JSON.stringify({ ...good, ...Object.fromEntries(changes) }));
  const nested = fc.tuple(keys, deep).map(([key, value]) => `{"url":"https://media.example.com/v1","${key}":${value}}`);
  const doubled = fc.tuple(keys, json, json).map(([key, one, two]) => {
    return `{"${key}":${JSON.stringify(one)},"url":"https://media.example.com/v1","${key}":${JSON.stringify(two)}}`;
  });
  const torn = fc.nat(60).map((end) => JSON.stringify(good).slice(0, end));
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(JSON.stringify(good)) },
    { weight: 8, arbitrary: mutated },
    { weight: 2, arbitrary: nested },
    { weight: 2, arbitrary: doubled },
    { weight: 1, arbitrary: torn },
    { weight: 1, arbitrary: json.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
    { weight: 1, arbitrary: fc.constantFrom(null, "", '{"url":1e400}', '"\\ud800"', `"${"x".repeat(1_048_577)}"`) },
  );
}

function headersOf(endpoint: Endpoint, world: World): fc.Arbitrary<Record<string, string>> {
  const bearer = endpoint.path.startsWith("/fleet") ? world.session : world.admin;
  const own: Record<string, string> =
    endpoint.scope === null ? { authorization: `Bearer ${bearer}` } : { "x-api-key": world.key };
  const extra = fc.oneof(
    { weight: 6, arbitrary: fc.constant<Record<string, string>>({}) },
    { weight: 3, arbitrary: headerText.map((value) => ({ "x-idempotency-key": value })) },
    { weight: 1, arbitrary: headerText.map((value) => ({ "last-event-id": value, range: value, "if-range": value })) },
    { weight: 1, arbitrary: headerText.map((value) => ({ "x-api-key": value, authorization: value })) },
    { weight: 1, arbitrary: headerText.map((value) => ({ "content-type": value, traceparent: value })) },
  );
  return extra.map((each) => ({ ...own, ...each }));
}
