/** Accounts besides the first one, and where each of them lives. */
import { Api } from "./api.ts";
import { readD1 } from "./record.ts";
import type { Stack } from "./stack.ts";

export interface Tenant {
  id: string;
  api: Api;
}

async function admin<Body>(stack: Stack, method: string, path: string, body?: unknown): Promise<Body> {
  const response = await fetch(stack.url + path, {
    method,
    headers: { authorization: `Bearer ${stack.adminToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}

/** New accounts, each with a key of its own. */
export async function tenants(stack: Stack, count: number): Promise<Tenant[]> {
  const made: Tenant[] = [];
  for (let n = 0; n < count; n++) {
    const { id } = await admin<{ id: string }>(stack, "POST", "/admin/accounts", { name: `Tenant ${n}` });
    const { key } = await admin<{ key: string }>(stack, "POST", `/admin/accounts/${id}/keys`, { name: "tests" });
    made.push({ id, api: new Api(stack.url, key) });
  }
  return made;
}

/** Most accounts beyond those asked for: that one of four partitions has none of them happens once in 10^25. */
const MAX_MORE = 200;

/** So many accounts, and as many more as it takes for each of the partitions to have one: where one lives is its id's matter. */
export async function tenantsOfAll(stack: Stack, count: number, partitions: number): Promise<Tenant[]> {
  const made = await tenants(stack, count);
  for (let more = 0; more < MAX_MORE; more++) {
    const homes = await partitionsOf(stack);
    if (new Set(made.map(({ id }) => homes.get(id))).size === partitions) return made;
    made.push(...(await tenants(stack, 1)));
  }
  throw new Error(`${made.length} accounts live in fewer than ${partitions} partitions`);
}

/** The partition of each account, by the account's id. */
export async function partitionsOf(stack: Stack): Promise<Map<string, string>> {
  const rows = await readD1<{ id: string; partition: string }>(stack, "SELECT id, partition FROM accounts");
  return new Map(rows.map(({ id, partition }) => [id, partition]));
}
