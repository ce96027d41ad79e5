import { describe, expect, it } from "vitest";
import { counter, gauge, prometheusText } from "../../shared/prometheus.ts";
import { parsePrometheus } from "./prometheus-parser.ts";

describe("the text that we write", () => {
  it("brings back every value, label and help that was put in, whatever stands in it", () => {
    const labels = { plain: "a", odd: 'x"y\\z\n{},= ', empty: "" };
    const metrics = [
      gauge("m", "first\nsecond \\ third", [
        { labels, value: 1.5 },
        { value: -2e-7 },
        { labels: { a: "b" }, value: 1e21 },
      ]),
      counter("n_total", "none yet", []),
    ];
    const parsed = parsePrometheus(prometheusText(metrics));
    expect([...parsed.values()]).toEqual(
      metrics.map((each) => ({
        ...each,
        samples: each.samples.map(({ labels: own = {}, value }) => ({ labels: own, value })),
      })),
    );
  });
});

describe("the reader that the tests of both /metrics use", () => {
  const head = "# HELP m x\n# TYPE m gauge\n";
  it.each([
    ["a text without an end", `${head}m 1`],
    ["a sample without a type", "m 1\n"],
    ["a metric in two pieces", `${head}m 1\n# HELP n x\n# TYPE n gauge\nn 1\nm 2\n`],
    ["a second HELP", `${head}# HELP m y\n`],
    ["a second TYPE", `${head}# TYPE m gauge\n`],
    ["an unknown type", "# HELP m x\n# TYPE m gouge\n"],
    ["a sample twice, in another order of its labels", `${head}m{a="1",b="2"} 1\nm{b="2",a="1"} 1\n`],
    ["a label twice", `${head}m{a="1",a="2"} 1\n`],
    ["an escape that there is not", `${head}m{a="\\t"} 1\n`],
    ["an open label value", `${head}m{a="1} 1\n`],
    ["a value that is no number", `${head}m one\n`],
    ["an empty value", `${head}m \n`],
    ["a counter without _total", "# HELP m x\n# TYPE m counter\n"],
    ["a counter below zero", "# HELP m_total x\n# TYPE m_total counter\nm_total -1\n"],
  ])("refuses %s", (_, text) => {
    expect(() => parsePrometheus(text)).toThrow();
  });
});
