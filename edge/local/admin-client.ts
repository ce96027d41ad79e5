import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { HostError } from "./host-error.ts";
import { errorText } from "./log.ts";

const AccountSchema = z.object({ id: z.string(), name: z.string() });
const AccountsSchema = z.object({ accounts: z.array(AccountSchema) });
const KeySchema = z.object({ key: z.string() });
const EnrolmentSchema = z.object({ id: z.string(), token: z.string() });

/** An account, as far as the host cares. */
export type Account = z.infer<typeof AccountSchema>;

/** The calls of the admin API that the host needs. */
export type AdminClient = {
  accounts(): Promise<Account[]>;
  createAccount(name: string): Promise<Account>;
  /** Gives an account a key that is known beforehand. */
  createKey(accountId: string, name: string, key: string): Promise<void>;
  /** A token with which one node may register. */
  enrol(): Promise<string>;
  /** Whether the edge takes this API key. */
  accepts(apiKey: string): Promise<boolean>;
};

/** A partition that was just born answers 503 for a moment; more tries than this mean that something is wrong. */
const MAX_TRIES = 40;
const RETRY_MS = 250;

/** Talks to the edge of this host. Failures are HostErrors `admin_failed`. */
export function adminClient(url: string, adminToken: string): AdminClient {
  const admin = { authorization: `Bearer ${adminToken}` };
  const call = async <T>(schema: z.ZodType<T>, path: string, init: RequestInit): Promise<T> => {
    const response = await untilAnswered(`${url}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new HostError("admin_failed", `${path} answered ${response.status}: ${text.slice(0, 200)}`);
    const parsed = schema.safeParse(JSON.parse(text));
    if (!parsed.success) throw new HostError("admin_failed", `${path} answered in an unknown shape`);
    return parsed.data;
  };
  const post = <T>(schema: z.ZodType<T>, path: string, body: unknown): Promise<T> =>
    call(schema, path, {
      method: "POST",
      headers: { ...admin, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  return {
    accounts: async () => (await call(AccountsSchema, "/admin/accounts", { headers: admin })).accounts,
    createAccount: (name) => post(AccountSchema, "/admin/accounts", { name }),
    async createKey(accountId, name, key) {
      await post(KeySchema, `/admin/accounts/${encodeURIComponent(accountId)}/keys`, { name, key });
    },
    enrol: async () => (await post(EnrolmentSchema, "/admin/enrolments", { uses: 1 })).token,
    async accepts(apiKey) {
      const response = await untilAnswered(`${url}/jobs?limit=1`, { headers: { "x-api-key": apiKey } });
      await response.body?.cancel();
      return response.status !== 401;
    },
  };
}

/** Repeats a call while the edge is away or not ready. All calls here may be repeated: at worst one makes a second row. */
async function untilAnswered(url: string, init: RequestInit): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(url, init);
      if (response.status !== 503 || tries >= MAX_TRIES) return response;
      await response.body?.cancel();
    } catch (error) {
      if (tries >= MAX_TRIES) throw new HostError("admin_failed", `no answer from ${url}: ${errorText(error)}`);
    }
    await delay(RETRY_MS);
  }
}
