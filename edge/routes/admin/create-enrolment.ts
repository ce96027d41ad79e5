import { CreateEnrolmentBody } from "../../../shared/contract/admin.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { randomKey, sha256Hex } from "../../auth/api-keys.ts";
import { findAccount } from "../../db/accounts.ts";
import { insertEnrolment } from "../../db/nodes.ts";
import { parseBody, readJsonObject } from "../http.ts";
import { adminEndpoint } from "./admin-guard.ts";

const DEFAULT_USES = 1;
const DEFAULT_EXPIRES_IN_SECONDS = 3_600;

export const createEnrolment = adminEndpoint(
  "create-enrolment",
  "POST",
  "/admin/enrolments",
  "Make a token with which nodes enrol",
  async (context) => {
    const body = parseBody(CreateEnrolmentBody, await readJsonObject(context.req.raw));
    const { DB } = context.env;
    if (body.account_id !== undefined && (await findAccount(DB, body.account_id)) === null) {
      throw new AppError("invalid", "account_id is not an account", { field: "account_id" });
    }
    const now = Date.now();
    const id = uuidv7(now, crypto.getRandomValues(new Uint8Array(10)));
    const token = randomKey("enrol_");
    const expiresAt = now + (body.expires_in ?? DEFAULT_EXPIRES_IN_SECONDS) * 1000;
    await insertEnrolment(DB, {
      id,
      hash: await sha256Hex(token),
      uses: body.uses ?? DEFAULT_USES,
      expiresAt,
      tags: body.tags ?? [],
      accountId: body.account_id ?? null,
      now,
    });
    return context.json({ id, token, expires_at: expiresAt }, 201);
  },
);
