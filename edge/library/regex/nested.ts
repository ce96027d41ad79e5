import type { Node } from "./syntax.ts";

/** Whether a repeat without an upper bound stands inside another: `(a+)+` has exponentially many ways to match. */
export function nestsUnbounded(node: Node, inside = false): boolean {
  switch (node.kind) {
    case "sequence":
      return node.items.some((item) => nestsUnbounded(item, inside));
    case "either":
      return node.branches.some((branch) => nestsUnbounded(branch, inside));
    case "if":
      return nestsUnbounded(node.yes, inside) || nestsUnbounded(node.no, inside);
    case "repeat": {
      const unbounded = node.max === Number.POSITIVE_INFINITY;
      return (unbounded && inside) || nestsUnbounded(node.of, inside || unbounded);
    }
    case "group":
    case "look":
    case "atomic":
      return nestsUnbounded(node.of, inside);
    default:
      return false;
  }
}
