import { changeSettings } from "../../db/settings.ts";
import { parseSettingChanges } from "../../library/settings.ts";
import { readJsonObject } from "../http.ts";
import { accountNotFound, accountOf } from "./account-access.ts";
import { adminEndpoint } from "./admin-guard.ts";

/** A part of the settings; `null` puts a default back (library API, section 13). */
export const patchSettings = adminEndpoint(
  "patch-settings",
  "PATCH",
  "/admin/accounts/:id/settings",
  "Change an account's settings of the library API",
  async (context) => {
    const { DB } = context.env;
    const { id } = await accountOf(context);
    const changes = parseSettingChanges(await readJsonObject(context.req.raw, { keepNulls: true }));
    const settings = await changeSettings(DB, id, changes);
    if (settings === null) throw accountNotFound();
    return context.json(settings);
  },
);
