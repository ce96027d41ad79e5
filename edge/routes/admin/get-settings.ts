import { findSettings } from "../../db/settings.ts";
import { accountNotFound } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";

export const getSettings = adminEndpoint(
  "get-settings",
  "GET",
  "/admin/accounts/:id/settings",
  "Read an account's settings of the library API",
  async (context) => {
    const settings = await findSettings(context.env.DB, context.req.param("id") ?? "");
    if (settings === null) throw accountNotFound();
    return context.json(settings);
  },
);
