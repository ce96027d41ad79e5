/** The `definition` of a task definition (library API 8.4): how a page is fetched, and what is taken from it. */

import { isObject } from "../../routes/library/library-body.ts";
import { type Check, dictionary, filledText, objectOf, oneOf, orNull, type Place } from "./checks.ts";
import { patternFault } from "./pattern-fault.ts";

interface PostFilter {
  filter: string;
  value: string | null;
}

export interface Rule {
  type: "css" | "xpath" | "regex" | "jsonpath";
  expression: string;
  attribute: string | null;
  post_filter: PostFilter | null;
}

export interface Container {
  type: "css" | "xpath" | "jsonpath";
  selector: string | null;
  expression: string | null;
  fields: Record<string, Rule>;
}

/** With both, the container counts. */
export type Parse = { items: Container | null } & Record<string, Container | Rule | null>;

export interface Definition {
  parse: Parse;
  engine: { type: "httpx"; options: Record<string, never> };
  request: {
    method: "GET" | "POST";
    headers: Record<string, string>;
    params: Record<string, unknown>;
    data: Record<string, unknown> | null;
    json_data: Record<string, unknown> | null;
    /** Seconds. */
    timeout: number | null;
    /** In place of the task's. */
    url: string | null;
  };
  response: { type: "html" | "json" };
}

const optionalText = (label: string) => orNull(filledText(label));

const pattern: Check<string> = async (value, place) => {
  const text = await filledText("Filter")(value, place);
  const fault = text === undefined ? null : patternFault(text);
  return fault === null ? text : place.fail(`Invalid post_filter regex pattern: ${fault}`);
};

const rule = objectOf<Rule>("Rule", {
  type: { check: oneOf("literal_error", ["css", "xpath", "regex", "jsonpath"]) },
  expression: { check: filledText("Expression") },
  attribute: { check: optionalText("Attribute"), initial: null },
  post_filter: {
    check: orNull(
      objectOf<PostFilter>("post_filter", {
        filter: { check: pattern },
        value: { check: optionalText("Value"), initial: null },
      }),
    ),
    initial: null,
  },
});

/** Whether a rule for the address is among these. */
function hasLink(fields: object): boolean {
  return Object.hasOwn(fields, "link") || Object.hasOwn(fields, "url");
}

/** @param told where a field that is no object is told of, as far as that is not its own place. */
async function rules(fields: Record<string, unknown>, place: Place, told?: Place): Promise<Record<string, Rule>> {
  const read: [string, Rule][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (!isObject(value)) (told ?? place.at(name)).fail(`Parse field '${name}' must be an object.`);
    const one = isObject(value) ? await rule(value, place.at(name)) : undefined;
    if (one !== undefined) read.push([name, one]);
  }
  return Object.fromEntries(read);
}

const containerFields = objectOf<Container>("items", {
  type: { check: oneOf("literal_error", ["css", "xpath", "jsonpath"]), initial: "css" },
  selector: { check: optionalText("Selector"), initial: null },
  expression: { check: optionalText("Expression"), initial: null },
  fields: {
    check: async (value, place) => {
      const fields = await dictionary("Fields")(value, place);
      return fields === undefined ? undefined : rules(fields, place);
    },
  },
});

const container: Check<Container> = async (value, place) => {
  const read = await containerFields(value, place);
  if (read === undefined) return undefined;
  const selector = read.selector ?? read.expression;
  if (selector === null) return place.fail("Either 'selector' or 'expression' must be provided.");
  if (!hasLink(read.fields)) return place.fail("Container 'fields' must include a 'link' field.");
  return { ...read, selector };
};

const parse: Check<Parse> = async (value, place) => {
  const all = await dictionary("Parse")(value, place);
  if (all === undefined) return undefined;
  const { items = null, ...others } = all;
  const direct = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith("_")));
  if (items === null && Object.keys(direct).length === 0) {
    return place.fail("Field 'parse' must contain either 'items' or direct parsers.");
  }
  if (items === null && !hasLink(direct)) return place.fail("Missing required 'link' parser definition.");
  const read = items === null ? null : await container(items, place.at("items"));
  const parsers = await rules(direct, place, place);
  return read === undefined ? undefined : { items: read, ...parsers };
};

/** Browsers need a driver, and no node of ours drives one. */
const BROWSERS = ["selenium", "browser"] as const;

const engineType: Check<"httpx"> = async (value, place) => {
  const type = await oneOf("literal_error", ["httpx", ...BROWSERS])(value, place);
  if (type === undefined || type === "httpx") return type;
  return place.fail(`Engine '${type}' is not available on this server.`);
};

const headers: Check<Record<string, string>> = async (value, place) => {
  const all = await dictionary("Headers")(value, place);
  if (all === undefined) return undefined;
  for (const [name, said] of Object.entries(all)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) place.at(name).fail("Header key must be the name of a header.");
    else if (!["string", "number", "boolean"].includes(typeof said) || /[^\t\x20-\x7e\x80-\xff]/.test(String(said))) {
      place.at(name).fail("Header value must be of Latin-1 characters, without line breaks.");
    }
  }
  return Object.fromEntries(Object.entries(all).map(([name, said]) => [name, String(said)]));
};

const seconds: Check<number> = (value, place) => {
  return typeof value === "number" && value >= 0 ? value : place.fail("Timeout must be a number >= 0.");
};

const address: Check<string> = async (value, place) => {
  const url = await filledText("URL")(value, place);
  if (url === undefined || (/^https?:/i.test(url) && URL.canParse(url))) return url;
  return place.fail("URL must be an http or https URL.");
};

const REQUEST = {
  method: { check: oneOf("literal_error", ["GET", "POST"]), initial: "GET" as const },
  headers: { check: headers, initial: {} },
  params: { check: dictionary("Params"), initial: {} },
  data: { check: orNull(dictionary("Data")), initial: null },
  json_data: { check: orNull(dictionary("json_data")), initial: null },
  timeout: { check: orNull(seconds), initial: null },
  url: { check: orNull(address), initial: null },
};

/** `loc` of what is wrong begins with the field that this is the check of. */
export const definition: Check<Definition> = objectOf<Definition>("Definition", {
  parse: { check: parse },
  engine: {
    check: objectOf<Definition["engine"]>("Engine", {
      type: { check: engineType, initial: "httpx" },
      options: { check: () => ({}), initial: {} },
    }),
    initial: { type: "httpx", options: {} },
  },
  request: {
    check: objectOf<Definition["request"]>("Request", REQUEST),
    initial: { method: "GET", headers: {}, params: {}, data: null, json_data: null, timeout: null, url: null },
  },
  response: {
    check: objectOf<Definition["response"]>("Response", {
      type: { check: oneOf("literal_error", ["html", "json"]), initial: "html" },
    }),
    initial: { type: "html" },
  },
});
