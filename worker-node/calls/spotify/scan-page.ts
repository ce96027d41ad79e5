/** The few things in a web page that a resolver looks at. */
import { Parser } from "htmlparser2";

const MAX_LINKS = 2_000;
const MAX_SCRIPTS = 50;
const MAX_LINK_TEXT_LENGTH = 1_000;

export interface ScannedPage {
  /** Scripts that hold data, not code. */
  data: { id: string; text: string }[];
  /** `property` or `name` in lower case → content; the first one counts. */
  metas: ReadonlyMap<string, string>;
  links: { path: string; text: string }[];
}

/** Types of a `<script>` that no browser runs; Spotify's `initialState` is `text/plain`. */
const DATA_TYPES = ["application/json", "application/ld+json", "text/plain"];

export function scanPage(html: string): ScannedPage {
  const data: ScannedPage["data"] = [];
  const metas = new Map<string, string>();
  const links: ScannedPage["links"] = [];
  let script: { id: string; text: string } | null = null;
  let link: { path: string; text: string } | null = null;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === "meta") {
        const key = (attributes.property ?? attributes.name ?? "").toLowerCase();
        if (key !== "" && attributes.content !== undefined && !metas.has(key)) metas.set(key, attributes.content);
      } else if (name === "script" && DATA_TYPES.includes((attributes.type ?? "").toLowerCase())) {
        script = { id: attributes.id ?? "", text: "" };
      } else if (name === "a" && attributes.href !== undefined) {
        link = { path: attributes.href, text: "" };
      }
    },
    ontext(text) {
      if (script !== null) script.text += text;
      else if (link !== null && link.text.length < MAX_LINK_TEXT_LENGTH) link.text += text;
    },
    onclosetag(name) {
      if (name === "script" && script !== null) {
        if (data.length < MAX_SCRIPTS) data.push(script);
        script = null;
      } else if (name === "a" && link !== null) {
        if (links.length < MAX_LINKS) links.push(link);
        link = null;
      }
    },
  });
  parser.write(html);
  parser.end();
  return { data, metas, links };
}
