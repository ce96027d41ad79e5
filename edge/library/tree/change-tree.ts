/** What every change of the tree needs besides the tree. */
import type { Env } from "../../env.ts";
import type { Log } from "../../log.ts";
import type { Tree } from "./open-tree.ts";

export interface TreeChange {
  env: Env;
  log: Log;
  tree: Tree;
  /** The account's. */
  partition: string;
}

/** Why something was not done, as the client is told (library API 9.5). */
export class TreeRefusal extends Error {
  override readonly name = "TreeRefusal";
}

export function destinationExists(): TreeRefusal {
  return new TreeRefusal("Destination already exists.");
}

export function destinationInvalid(): TreeRefusal {
  return new TreeRefusal("Destination path is invalid.");
}

export function doesNotExist(path: string): TreeRefusal {
  return new TreeRefusal(`path '${path}' does not exist.`);
}
