import { AppError } from "../../app-error.ts";
import { revokeKey as markRevoked } from "../../db/accounts.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const revokeKey = adminEndpoint(
  "revoke-key",
  "DELETE",
  "/admin/keys/:id",
  "Revoke an API key",
  async (context) => {
    const id = context.req.param("id") ?? "";
    if (!(await markRevoked(context.env.DB, id, Date.now()))) throw new AppError("not_found", "Key not found");
    return context.json({ id, revoked: true });
  },
);
