/** One action of the file browser, and what is told of it (library API 9.5). */
import { AppError } from "../../../app-error.ts";
import { findRow, type TreeRow } from "../../../db/tree.ts";
import { noteFolders } from "../../../db/tree-changes.ts";
import { destinationInvalid, doesNotExist, type TreeChange, TreeRefusal } from "../../../library/tree/change-tree.ts";
import { compareFolder, lookAt } from "../../../library/tree/compare.ts";
import { deleteEntry } from "../../../library/tree/delete-entry.ts";
import { splitName } from "../../../library/tree/file-types.ts";
import { moveEntry } from "../../../library/tree/move-entry.ts";
import { stemSiblings } from "../../../library/tree/sidecars.ts";
import { canBeGiven, joinPath, parentOf, parseTreePath } from "../../../library/tree/tree-path.ts";
import { errorText } from "../../../log.ts";
import { StoreError } from "../../../storage/store-error.ts";
import { storeAway } from "../../files/store-away.ts";

export interface FileAction {
  action: "rename" | "move" | "delete" | "directory";
  /** As it was sent. */
  path: string;
  /** `new_name`, `new_path` or `new_dir`. */
  value: string;
  item: Record<string, unknown>;
}

export interface ActionResult {
  path: string;
  status: boolean;
  ok: boolean;
  error: string | null;
  action: FileAction["action"];
  new_path?: string;
  new_dir?: string;
  deleted?: true;
  item?: Record<string, unknown>;
}

type Told = Pick<ActionResult, "new_path" | "new_dir" | "deleted">;

/** Returns one result for it, and one for each sidecar that followed. Never throws for what one action is refused. */
export async function runFileAction(change: TreeChange, action: FileAction): Promise<ActionResult[]> {
  const path = parseTreePath(action.path);
  const shown = path === null || path === "" ? action.path : path;
  if (action.path.trim() === "") {
    const error = "Path is required.";
    return [{ path: "no_path", status: false, ok: false, error, action: action.action, item: action.item }];
  }
  if (action.action === "directory") {
    const made = await attempt(change, () => makeFolder(change, path, shown, action.value));
    return [resultOf(shown, action.action, made)];
  }
  const planned = await attempt(change, () => plan(change, action, path, shown));
  if ("error" in planned) return [resultOf(shown, action.action, planned)];
  const results: ActionResult[] = [];
  for (const { row, to } of planned.done) {
    const result = resultOf(row.path, action.action, await attempt(change, () => step(change, row, to)));
    results.push(result);
    // What is about a file stays with it.
    if (results.length === 1 && !result.ok) break;
  }
  return results;
}

async function plan(change: TreeChange, action: FileAction, path: string | null, shown: string): Promise<Step[]> {
  if (path === "") throw new TreeRefusal("Cannot operate on root directory.");
  if (path === null) throw doesNotExist(shown);
  await compareFolder(change.tree, parentOf(path), null);
  const row = await lookAt(change.tree, path);
  if (row === null || row.hidden === 1) throw doesNotExist(shown);
  return stepsOf(change, action, row);
}

interface Step {
  row: TreeRow;
  /** Null: it is deleted. */
  to: string | null;
}

/** What is to be done, its sidecars with it. */
async function stepsOf(change: TreeChange, { action, value }: FileAction, row: TreeRow): Promise<Step[]> {
  const { db, account } = change.tree;
  const siblings = row.kind === "file" ? await stemSiblings(db, account, row.path) : [];
  if (action === "delete") return [row, ...siblings].map((each) => ({ row: each, to: null }));
  if (action === "move") {
    const folder = await folderOf(change, value);
    if (folder === parentOf(row.path)) throw new TreeRefusal("Source and destination are the same.");
    return checked([row, ...siblings].map((each) => ({ row: each, to: joinPath(folder, each.name) })));
  }
  const name = value.trim();
  if (/[/\\]/.test(name)) throw new TreeRefusal("New name must not contain a path separator.");
  if (name === row.name) throw new TreeRefusal("Source and destination are the same.");
  const folder = parentOf(row.path);
  const [old, stem] = [splitName(row.name).stem, splitName(name).stem];
  const followers = siblings.map((each) => ({ row: each, to: joinPath(folder, stem + each.name.slice(old.length)) }));
  // A name that differs in its extension alone leaves the stem, and with it all sidecars, as they are.
  return checked([{ row, to: joinPath(folder, name) }, ...followers.filter(({ row: each, to }) => each.path !== to)]);
}

function checked(steps: Step[]): Step[] {
  const [first] = steps;
  const into = first?.row.kind === "dir" && first.to?.startsWith(`${first.row.path}/`);
  if (into === true || steps.some(({ to }) => to !== null && !canBeGiven(to))) throw destinationInvalid();
  return steps;
}

/** The folder of the tree that somebody names; `/` is the root. */
async function folderOf({ tree }: TreeChange, value: string): Promise<string> {
  const path = parseTreePath(value.trim());
  if (path === "") return path;
  const row = path === null ? null : await lookAt(tree, path);
  if (row?.kind !== "dir" || row.hidden === 1) throw destinationInvalid();
  return row.path;
}

async function step(change: TreeChange, row: TreeRow, to: string | null): Promise<Told> {
  if (to === null) {
    await deleteEntry(change, row);
    return { deleted: true };
  }
  await lookAt(change.tree, to);
  await moveEntry(change, row, to);
  return { new_path: to };
}

async function makeFolder({ tree }: TreeChange, path: string | null, shown: string, value: string): Promise<Told> {
  const parent = path === null || path === "" ? null : await lookAt(tree, path);
  if (path !== "" && (parent === null || parent.kind !== "dir" || parent.hidden === 1)) throw doesNotExist(shown);
  const inner = parseTreePath(value.trim());
  const made = inner === null || inner === "" ? null : joinPath(path ?? "", inner);
  if (made === null || !canBeGiven(made)) throw destinationInvalid();
  if ((await lookAt(tree, made)) !== null) throw new TreeRefusal("Directory already exists.");
  if (await isUnderFile(tree, made)) throw destinationInvalid();
  const { kind } = (await tree.store.folders?.make(tree.prefix + made)) ?? { kind: "made" };
  if (kind === "taken") throw new TreeRefusal("Directory already exists.");
  if (kind === "refused") throw destinationInvalid();
  await noteFolders(tree.db, tree.account, made, { kept: true, at: Date.now() }).run();
  return { new_dir: value };
}

/** Where keys are private nothing else keeps a folder from lying below a file. */
async function isUnderFile({ db, account }: TreeChange["tree"], path: string): Promise<boolean> {
  for (let above = parentOf(path); above !== ""; above = parentOf(above)) {
    const row = await findRow(db, account, above);
    if (row !== null) return row.kind === "file";
  }
  return false;
}

type Outcome<Done> = { done: Done } | { error: string };

/** What came of it, or why it was not done. */
async function attempt<Done>({ log, tree }: TreeChange, work: () => Promise<Done>): Promise<Outcome<Done>> {
  try {
    return { done: await work() };
  } catch (thrown) {
    const error = thrown instanceof StoreError ? storeAway(thrown) : thrown;
    if (error instanceof TreeRefusal || error instanceof AppError) return { error: error.message };
    log("error", "file.action_failed", { account: tree.account, error: errorText(error) });
    return { error: "Internal Server Error" };
  }
}

function resultOf(path: string, action: FileAction["action"], outcome: Outcome<Told>): ActionResult {
  const ok = "done" in outcome;
  const error = ok ? null : outcome.error;
  return { path, status: ok, ok, error, action, ...(ok ? outcome.done : {}) };
}
