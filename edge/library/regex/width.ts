import type { Node, Width } from "./syntax.ts";

/** How many characters a part takes: at least, at most. */
export function widthOf(node: Node, groups: ReadonlyMap<number, Width>): Width {
  switch (node.kind) {
    case "one":
      return [1, 1];
    case "place":
    case "look":
      return [0, 0];
    case "sequence":
      return node.items
        .map((item) => widthOf(item, groups))
        .reduce<Width>(([least, most], each) => [least + each[0], most + each[1]], [0, 0]);
    case "either":
      return oneOf(node.branches.map((branch) => widthOf(branch, groups)));
    case "if":
      return oneOf([widthOf(node.yes, groups), widthOf(node.no, groups)]);
    case "repeat": {
      const [least, most] = widthOf(node.of, groups);
      return [least * node.min, most === 0 || node.max === 0 ? 0 : most * node.max];
    }
    case "again":
      return groups.get(node.group) ?? [0, Number.POSITIVE_INFINITY];
    case "group":
    case "atomic":
      return widthOf(node.of, groups);
  }
}

function oneOf(widths: readonly Width[]): Width {
  return [Math.min(...widths.map(([least]) => least)), Math.max(...widths.map(([, most]) => most))];
}
