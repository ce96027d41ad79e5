import { CreateAccountBody } from "../../../shared/contract/admin.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { choosePartition } from "../../auth/choose-partition.ts";
import { insertAccount } from "../../db/accounts.ts";
import { envNumber } from "../../env.ts";
import { parseBody, readJsonObject } from "../http.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const createAccount = adminEndpoint(
  "create-account",
  "POST",
  "/admin/accounts",
  "Create an account",
  async (context) => {
    const body = parseBody(CreateAccountBody, await readJsonObject(context.req.raw));
    const { env } = context;
    const now = Date.now();
    const id = uuidv7(now, crypto.getRandomValues(new Uint8Array(10)));
    const limits = body.limits ?? {};
    const pool = body.pool ?? "own_first";
    const partition = await choosePartition(id, envNumber(env.TRAWL_PARTITIONS, 1), env.TRAWL_REGION ?? "auto");
    await insertAccount(env.DB, {
      id,
      name: body.name,
      partition,
      pool,
      limits: JSON.stringify(limits),
      created_at: now,
    });
    return context.json({ id, name: body.name, limits, pool, created_at: now }, 201);
  },
);
