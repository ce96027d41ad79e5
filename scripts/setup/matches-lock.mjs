// Exit 0 if node_modules holds what package-lock.json asks for. Runs before the packages are there, on whatever Node there is.
import { readFileSync } from "node:fs";

const packagesOf = (file) => JSON.parse(readFileSync(file, "utf8")).packages ?? {};
const wanted = packagesOf("package-lock.json");
const present = packagesOf("node_modules/.package-lock.json");

const missing = Object.entries(wanted).some(
  ([path, entry]) => path !== "" && !entry.optional && present[path]?.version !== entry.version,
);
const foreign = Object.entries(present).some(([path, entry]) => wanted[path]?.version !== entry.version);
process.exit(missing || foreign ? 1 : 0);
