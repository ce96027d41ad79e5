import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the package lies, and how to start its command line as another process. */
export type PackageLayout = {
  root: string;
  /** `bin/trawl.ts` in a clone; the one bundled file in an installed package. */
  cli: string;
  /** A clone has sources and can build; an installed package brings its bundles. */
  isClone: boolean;
};

/**
 * Finds the package from the module that runs. In the clone that is this file; in the bundle every module is
 * `dist/trawl.mjs`, and Node refuses to strip types under `node_modules`, so the extension tells the two apart.
 */
export function packageLayout(moduleUrl: string = import.meta.url): PackageLayout {
  const file = fileURLToPath(moduleUrl);
  let root = dirname(file);
  while (!existsSync(join(root, "package.json"))) {
    const parent = dirname(root);
    if (parent === root) throw new Error(`no package.json above ${file}`);
    root = parent;
  }
  const isClone = file.endsWith(".ts");
  return { root, cli: isClone ? join(root, "bin", "trawl.ts") : file, isClone };
}
