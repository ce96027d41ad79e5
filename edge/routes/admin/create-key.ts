import { CreateKeyBody } from "../../../shared/contract/admin.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { DEFAULT_SCOPES, KEY_PREFIX, randomKey, sha256Hex } from "../../auth/api-keys.ts";
import { insertKey } from "../../db/api-keys.ts";
import { parseBody, readJsonObject } from "../http.ts";
import { accountOf } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";

const PREFIX_SHOWN = 7;
/** September 2001 in milliseconds: what is less was meant in seconds, and its key would never work. */
const MILLISECONDS_FROM = 1_000_000_000_000;

export const createKey = adminEndpoint(
  "create-key",
  "POST",
  "/admin/accounts/:id/keys",
  "Create an API key; it is shown this once",
  async (context) => {
    const body = parseBody(CreateKeyBody, await readJsonObject(context.req.raw));
    const account = await accountOf(context);
    const now = Date.now();
    if (body.expires_at !== undefined && body.expires_at < MILLISECONDS_FROM) {
      throw new AppError("invalid", "expires_at must be in milliseconds since 1970, not in seconds", {
        field: "expires_at",
      });
    }
    const key = body.key ?? randomKey(KEY_PREFIX);
    const row = {
      id: uuidv7(now, crypto.getRandomValues(new Uint8Array(10))),
      prefix: key.slice(0, PREFIX_SHOWN),
      last4: key.slice(-4),
      scopes: body.scopes ?? [...DEFAULT_SCOPES],
    };
    const inserted = await insertKey(context.env.DB, {
      ...row,
      account_id: account.id,
      name: body.name ?? null,
      hash: await sha256Hex(key),
      scopes: JSON.stringify(row.scopes),
      limits: JSON.stringify(body.limits ?? {}),
      expires_at: body.expires_at ?? null,
      created_at: now,
    });
    if (!inserted) throw new AppError("conflict", "This key exists already", { field: "key" });
    return context.json({ id: row.id, key, prefix: row.prefix, last4: row.last4, scopes: row.scopes }, 201);
  },
);
