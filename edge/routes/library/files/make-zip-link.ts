import { AppError } from "../../../app-error.ts";
import { insertZipToken } from "../../../db/zip-tokens.ts";
import { compareFolder, lookAt } from "../../../library/tree/compare.ts";
import { openTree } from "../../../library/tree/open-tree.ts";
import { sidecarFiles } from "../../../library/tree/sidecars.ts";
import { parentOf, parseTreePath } from "../../../library/tree/tree-path.ts";
import type { Endpoint } from "../../endpoint.ts";
import { storeAway } from "../../files/store-away.ts";
import { readLibraryJson } from "../library-body.ts";

const TTL_MS = 600_000;
/** With their sidecars. */
const MAX_FILES = 5_000;

/** `POST /api/file/download`: a link to some files as one ZIP, sidecars included (library API 9.6). */
export const makeZipLink: Endpoint = {
  operationId: "make-zip-link",
  method: "POST",
  path: "/api/file/download",
  summary: "Make a link to some files as one ZIP",
  scope: "jobs:write",
  unmetered: true,
  async handler(context) {
    const asked = await readLibraryJson(context);
    const isList = Array.isArray(asked) && asked.length > 0 && asked.every((path) => typeof path === "string");
    if (!isList) throw new AppError("invalid", "Invalid parameters.");
    const tree = openTree(context.env, context.var.caller.account);
    const files = new Set<string>();
    const compared = new Set<string>();
    try {
      for (const path of asked.map(parseTreePath)) {
        const row = path === null || path === "" ? null : await lookAt(tree, path);
        if (row?.kind !== "file") continue;
        files.add(row.path);
        const folder = parentOf(row.path);
        if (!compared.has(folder)) await compareFolder(tree, folder, null);
        compared.add(folder);
        for (const sidecar of await sidecarFiles(tree.db, tree.account, row.path)) files.add(sidecar.path);
      }
    } catch (error) {
      throw storeAway(error);
    }
    if (files.size === 0) throw new AppError("invalid", "No valid files.");
    if (files.size > MAX_FILES) throw new AppError("invalid", `Too many items (max ${MAX_FILES}).`);
    const link = { token: crypto.randomUUID(), files: [...files] };
    await insertZipToken(tree.db, { ...link, account: tree.account, expiresAt: Date.now() + TTL_MS });
    return context.json(link);
  },
};
