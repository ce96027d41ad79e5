import { CONFIG, DOWNLOADS, TEMP } from "../wire-names.ts";

/** What stands for the machine in a `cli` (library API 3.4). */
const SUBSTITUTES: Record<string, string> = {
  os_sep: "/",
  download_path: DOWNLOADS,
  temp_path: TEMP,
  config_path: CONFIG,
  archive_file: `${CONFIG}/archive.log`,
};
const SUBSTITUTE = new RegExp(`%\\((${Object.keys(SUBSTITUTES).join("|")})\\)s`, "g");
const COMMENT_LINE = /^\s*#/;

/**
 * The text of a `cli` without its comment lines, and with its substitutes put in.
 *
 * @example readCliText("# sound\n-x --download-archive %(archive_file)s") // "-x --download-archive /config/archive.log"
 */
export function readCliText(cli: string): string {
  const lines = cli.split("\n").filter((line) => !COMMENT_LINE.test(line));
  return lines.join("\n").replace(SUBSTITUTE, (whole, name: string) => SUBSTITUTES[name] ?? whole);
}
