/** What one atom of an expression says. */

export type Operator = "*=" | "^=" | "$=" | "~=" | "<=" | "<" | ">=" | ">" | "=";

export type Atom =
  | { kind: "presence"; key: string; negated: boolean }
  | { kind: "comparison"; key: string; negated: boolean; operator: Operator; value: string }
  /** Fits neither form; an error only once it is evaluated. */
  | { kind: "invalid"; text: string };

const PRESENCE = /^(?<not>!?)(?:yt:)?(?<key>[a-z_]+)$/;
/** `?` after the operator changes nothing: what is missing is never equal, greater or less (library API 12.2). */
const COMPARISON = /^(?:yt:)?(?<key>[a-z_]+)(?<not>!?)(?<operator>[*^$~]=|<=|>=|[<>=])\??(?<value>.+)$/s;
const QUOTED = /^(?<quote>['"])(?<inside>.+)\k<quote>$/s;

/** @param text Without the spaces around its operator. */
export function readAtom(text: string): Atom {
  const presence = PRESENCE.exec(text)?.groups;
  if (presence !== undefined) return { kind: "presence", key: presence.key ?? "", negated: presence.not === "!" };
  const groups = COMPARISON.exec(text)?.groups;
  if (groups === undefined) return { kind: "invalid", text };
  return {
    kind: "comparison",
    key: groups.key ?? "",
    negated: groups.not === "!",
    operator: groups.operator as Operator,
    value: readValue(groups.value ?? ""),
  };
}

function readValue(text: string): string {
  const quoted = QUOTED.exec(text)?.groups;
  if (quoted === undefined) return text.replaceAll("\\&", "&");
  const { quote = "", inside = "" } = quoted;
  return inside.replaceAll(`\\${quote}`, quote);
}
