/** What the tests of the file tree share: files of jobs, files put by hand, and how the routes see them. */
import { env } from "cloudflare:workers";
import { beforeAll, expect } from "vitest";
import { type Account, call, type Json, newAccount, store } from "../../support.ts";

/** The account whose root is the whole downloads folder; it lies around those of all others, of every test file. */
export let first: Account;
beforeAll(async () => {
  first = await newAccount();
});

export interface Entry extends Json {
  type: string;
  content_type: string;
  name: string;
  path: string;
  size: number;
  mime: string;
}

export interface Browsed extends Json {
  path: string;
  contents: Entry[];
  pagination: Json;
}

/** Where somebody would lay a file of this account's into the downloads folder. */
export function keyOf(account: Account, path: string): string {
  return `@${account.id}/${path}`;
}

/** Lays a file into the downloads folder, past everything; its ETag. */
export async function putByHand(account: Account, path: string, text = "by hand"): Promise<string> {
  const key = encodeURIComponent(keyOf(account, path));
  return (await store<{ etag: string }>("PUT", `object?key=${key}`, text)).etag;
}

export async function removeByHand(account: Account, path: string): Promise<void> {
  const { removed } = await store<{ removed: boolean }>(
    "DELETE",
    `object?key=${encodeURIComponent(keyOf(account, path))}`,
  );
  expect(removed).toBe(true);
}

/** Keys of this account's objects, without its root. */
export async function stored(account: Account): Promise<string[]> {
  const { objects } = await store<{ objects: string[] }>("GET", "state");
  const root = keyOf(account, "");
  return objects
    .filter((key) => key.startsWith(root))
    .map((key) => key.slice(root.length))
    .sort();
}

export async function browse(account: Account, path = "", query = ""): Promise<Browsed> {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const answer = await account.api<Browsed>("GET", `/api/file/browser/${encoded}${query}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

export async function namesIn(account: Account, path = "", query = ""): Promise<string[]> {
  return (await browse(account, path, query)).contents.map((entry) => entry.name);
}

/** The file at this path, encoded as it stands. */
export function fetchPath(account: Account, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { "x-api-key": account.key, ...(init.headers as Record<string, string>) };
  return call(`/api/download/${path}`, { redirect: "manual", ...init, headers });
}

/** Paths of the tree as its rows say, folders with a final slash. */
export async function treeRows(account: Account): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT path, kind FROM tree WHERE account_id = ? ORDER BY path")
    .bind(account.id)
    .all<{ path: string; kind: string }>();
  return results.map(({ path, kind }) => (kind === "dir" ? `${path}/` : path));
}

/** Rows of files as finished jobs leave them, with their objects. */
export async function putDelivered(account: Account, path: string, changes: { at?: number; text?: string } = {}) {
  const etag = await putByHand(account, path, changes.text ?? "delivered");
  const file = { id: crypto.randomUUID(), job: crypto.randomUUID(), etag };
  await env.DB.prepare(
    `INSERT INTO files (file_id, job_id, account_id, kind, path, store_key, target_id, size, content_type, etag, created_at)
     VALUES (?, ?, ?, 'media', ?, ?, 'managed', ?, 'video/mp4', ?, ?)`,
  )
    .bind(
      file.id,
      file.job,
      account.id,
      path,
      keyOf(account, path),
      (changes.text ?? "delivered").length,
      etag,
      changes.at ?? 1_796_119_209_500,
    )
    .run();
  return file;
}
