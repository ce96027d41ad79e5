import { Parser } from "htmlparser2";
import { MAX_DESCRIPTION_LENGTH } from "../../../shared/limits.ts";
import { clip } from "../../media/tolerant.ts";

/** Show notes, which are HTML more often than not, as text of the length that a job's description has; none: null. */
export function descriptionText(html: string | null): string | null {
  return html === null ? null : clip(plainText(html), MAX_DESCRIPTION_LENGTH) || null;
}

function plainText(html: string): string {
  if (!html.includes("<") && !html.includes("&")) return html.trim();
  let text = "";
  const parser = new Parser({
    ontext(data) {
      text += data;
    },
    onopentagname(name) {
      if (name === "br" || name === "p" || name === "li") text += "\n";
    },
  });
  parser.write(html);
  parser.end();
  return text
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n[ \n]*/g, "\n")
    .trim();
}
