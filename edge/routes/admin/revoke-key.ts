import { AppError } from "../../app-error.ts";
import { revokeKey as markRevoked } from "../../db/api-keys.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { revokeEverywhere } from "./revoke-everywhere.ts";

export const revokeKey = adminEndpoint(
  "revoke-key",
  "DELETE",
  "/admin/keys/:id",
  "Revoke an API key and end its streams",
  async (context) => {
    const id = context.req.param("id") ?? "";
    const revoked = await markRevoked(context.env.DB, id, Date.now());
    if (revoked === null) throw new AppError("not_found", "Key not found");
    await revokeEverywhere(context.env, revoked.account, revoked.partition, [id]);
    return context.json({ id, revoked: true });
  },
);
