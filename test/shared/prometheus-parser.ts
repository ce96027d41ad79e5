/**
 * A strict reader of the Prometheus text format 0.0.4, written from its description and not from our writer. Beyond the grammar
 * it holds what a scraper or `promtool check metrics` would complain of: metrics in one piece, HELP and TYPE once and before
 * the samples, no sample twice, counters that are named `_total` and never negative.
 */

export interface ParsedSample {
  labels: Record<string, string>;
  value: number;
}

export interface ParsedMetric {
  name: string;
  help: string;
  type: string;
  samples: ParsedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const VALUE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Inf|NaN)$/;
const TYPES = ["counter", "gauge", "histogram", "summary", "untyped"];

/** @throws Error that names the line. */
export function parsePrometheus(text: string): Map<string, ParsedMetric> {
  const metrics = new Map<string, ParsedMetric>();
  const typed = new Set<string>();
  const seen = new Set<string>();
  let current: ParsedMetric | null = null;
  let at = "";
  const fail = (why: string): never => {
    throw new Error(`${why}: ${JSON.stringify(at)}`);
  };
  const take = (rest: string, pattern: RegExp): string => pattern.exec(rest)?.[0] ?? fail("no name");

  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.slice(0, -1).split("\n")) {
    at = line;
    if (line === "" || (line.startsWith("#") && !/^# (HELP|TYPE) /.test(line))) continue;
    if (/[\r\t]/.test(line)) fail("a blank that is none of ours");
    if (line.startsWith("# ")) {
      const name = take(line.slice(7), NAME);
      const rest = line.slice(7 + name.length);
      if (!rest.startsWith(" ")) fail("nothing after the name");
      if (line.startsWith("# HELP ")) {
        if (metrics.has(name)) fail("a second HELP, or a metric in two pieces");
        current = { name, help: unescaped(rest.slice(1), { n: "\n", "\\": "\\" }, fail), type: "untyped", samples: [] };
        metrics.set(name, current);
        continue;
      }
      const type = rest.slice(1);
      if (!TYPES.includes(type)) fail("no such type");
      if (current?.name !== name) fail("TYPE without its HELP before it");
      if (typed.has(name) || (current?.samples.length ?? 0) > 0) fail("TYPE twice or too late");
      if (type === "counter" && !name.endsWith("_total")) fail("a counter that is not named _total");
      if (type !== "counter" && name.endsWith("_total")) fail("_total is for counters");
      typed.add(name);
      if (current !== null) current.type = type;
      continue;
    }
    const name = take(line, NAME);
    if (current?.name !== name || !typed.has(name)) fail("a sample outside its metric");
    const { labels, rest } = readLabels(line.slice(name.length), fail);
    const [value = "", stamp, ...more] = rest.split(" ");
    if (!VALUE.test(value) || more.length > 0 || (stamp !== undefined && !/^-?\d+$/.test(stamp))) fail("no value");
    const number = Number(value.replace("Inf", "Infinity"));
    if (current?.type === "counter" && !(number >= 0)) fail("a counter below zero");
    const key = JSON.stringify([name, Object.entries(labels).sort()]);
    if (seen.has(key)) fail("a sample twice");
    seen.add(key);
    current?.samples.push({ labels, value: number });
  }
  return metrics;
}

/** `{a="b",c="d"} ` or one blank; answers what stands behind. */
function readLabels(text: string, fail: (why: string) => never): { labels: Record<string, string>; rest: string } {
  const labels: Record<string, string> = {};
  let rest = text;
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const name = LABEL.exec(rest)?.[0] ?? fail("no label name");
      if (name.startsWith("__") || name in labels) fail("a label twice, or a reserved one");
      const value = /^="((?:[^"\\]|\\.)*)"/.exec(rest.slice(name.length)) ?? fail("no label value");
      labels[name] = unescaped(value[1] ?? "", { n: "\n", "\\": "\\", '"': '"' }, fail);
      rest = rest.slice(name.length + value[0].length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else if (!rest.startsWith("}")) fail("no end of labels");
    }
    rest = rest.slice(1);
  }
  if (!rest.startsWith(" ")) fail("no blank before the value");
  return { labels, rest: rest.slice(1) };
}

function unescaped(text: string, known: Record<string, string>, fail: (why: string) => never): string {
  return text.replace(/\\(.?)/g, (_, letter: string) => known[letter] ?? fail("no such escape"));
}

/** The value of the one sample with these labels, no more and no fewer. */
export function sampleOf(
  metrics: Map<string, ParsedMetric>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const found = metrics
    .get(name)
    ?.samples.find((each) => JSON.stringify(Object.entries(each.labels).sort()) === wanted);
  return found?.value ?? 0;
}
