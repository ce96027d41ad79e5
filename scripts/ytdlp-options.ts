/**
 * `npx node scripts/ytdlp-options.ts`: writes the list of yt-dlp's options that the edge ships, from the yt-dlp that a worker node
 * would run here (TRAWL_YTDLP, the one on PATH, or .trawl/tools). To be run when another version is to be the shipped one; new
 * options are then allowed, so read the change of the list before it is kept (library API 5.1).
 */
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { findInstalledYtDlp } from "../worker-node/tools.ts";
import { ROOT } from "./build/stamp.ts";
import { type ReadOptions, readYtDlpOptions } from "./ytdlp-options/read.ts";

const OUT = join(ROOT, "edge/library/command-line/shipped-options.ts");

function moduleText({ version, options }: ReadOptions): string {
  const lines = options.map((option) => `  ${JSON.stringify(option)},\n`);
  return `/** Written by scripts/ytdlp-options.ts from yt-dlp ${version} (Unlicense): do not edit. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are yt-dlp's
import type { ShippedOption } from "./shipped-option.ts";

export const SHIPPED_VERSION = ${JSON.stringify(version)};

// biome-ignore format: one option a line, so that the change from one version to the next can be read
export const SHIPPED_OPTIONS: readonly ShippedOption[] = [
${lines.join("")}];
`;
}

const tool = await findInstalledYtDlp({ env: process.env, checkout: ROOT });
const read = await readYtDlpOptions(tool);
writeFileSync(OUT, moduleText(read));
console.log(`${relative(ROOT, OUT)}: ${read.options.length} options of yt-dlp ${read.version}`);
