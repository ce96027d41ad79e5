import { describe, expect, test } from "vitest";
import { forbidden } from "../../scripts/imports/rules.ts";
import { importsOf } from "../../scripts/imports/scan.ts";

describe("import directions", () => {
  test.each([
    ["edge/index.ts", "../worker-node/node.ts"],
    ["edge/partition/dispatch.ts", "../../worker-node/egress/dial.ts"],
    ["edge/index.ts", "./local/host.ts"],
    ["edge/index.ts", "node:fs"],
    ["edge/index.ts", "../test/origin/site.ts"],
    ["edge/index.ts", "../bin/trawl.ts"],
    ["edge/local/host.ts", "../../worker-node/media/plan.ts"],
    ["edge/local/host.ts", "cloudflare:workers"],
    ["edge/local/host.ts", "../../test/origin/site.ts"],
    ["worker-node/node.ts", "../edge/auth/keys.ts"],
    ["worker-node/node.ts", "../edge/local/host.ts"],
    ["worker-node/node.ts", "cloudflare:workers"],
    ["worker-node/node.ts", "../test/leaks.ts"],
    ["worker-node/node.ts", "../bin/trawl.ts"],
    ["shared/limits.ts", "node:crypto"],
    ["shared/limits.ts", "cloudflare:workers"],
    ["shared/limits.ts", "hono"],
    ["shared/contract/fleet.ts", "../../edge/auth/keys.ts"],
    ["shared/contract/fleet.ts", "../../worker-node/node.ts"],
    ["shared/contract/fleet.ts", "../../package.json"],
    ["bin/trawl.ts", "../edge/index.ts"],
    ["bin/trawl.ts", "../test/leaks.ts"],
    ["bin/trawl.ts", "../scripts/build.ts"],
    ["edge/local/host.ts", "../../scripts/build.ts"],
    ["scripts/bench.ts", "../test/bench/dispatch.ts"],
    ["scripts/bench.ts", "../edge/index.ts"],
  ])("%s may not import %s", (file, specifier) => {
    expect(forbidden(file, specifier)).toEqual(expect.any(String));
  });

  test.each([
    ["edge/index.ts", "../shared/limits.ts"],
    ["edge/index.ts", "./partition/dispatch.ts"],
    ["edge/index.ts", "cloudflare:workers"],
    ["edge/index.ts", "hono"],
    ["edge/local/host.ts", "../../worker-node/egress/dial.ts"],
    ["edge/local/host.ts", "../storage/part-signature.ts"],
    ["edge/local/host.ts", "node:fs"],
    ["worker-node/node.ts", "./edge/client.ts"],
    ["worker-node/node.ts", "../shared/limits.ts"],
    ["worker-node/node.ts", "node:fs"],
    ["shared/contract/fleet.ts", "../limits.ts"],
    ["shared/contract/fleet.ts", "zod"],
    ["bin/trawl.ts", "../edge/local/host.ts"],
    ["bin/trawl.ts", "../worker-node/node.ts"],
    ["bin/demo.ts", "../test/origin/site.ts"],
    ["bin/trawl.ts", "../package.json"],
    ["test/edge/jobs.test.ts", "../../edge/index.ts"],
    ["test/edge/jobs.test.ts", "cloudflare:test"],
    ["test/local/host.test.ts", "../../edge/local/host.ts"],
  ])("%s may import %s", (file, specifier) => {
    expect(forbidden(file, specifier)).toBeNull();
  });
});

describe("the scan for imports", () => {
  test.each([
    ["a plain import", 'import { a } from "./a.ts";'],
    ["a type import", 'import type { A } from "./a.ts";'],
    ["a default import", 'import a from "./a.ts";'],
    ["a default import with names", 'import a, { type B } from "./a.ts";'],
    ["a namespace", 'import * as a from "./a.ts";'],
    ["a side effect", 'import "./a.ts";'],
    ["a re-export", 'export { a } from "./a.ts";'],
    ["a re-export of all", 'export * from "./a.ts";'],
    ["a list over several lines", 'import {\n  a,\n  b,\n} from "./a.ts";'],
    ["a dynamic import", 'const a = await import("./a.ts");'],
    ["a type in place", 'type A = import("./a.ts").A;'],
  ])("finds %s", (_, source) => {
    expect(importsOf(source).map(({ specifier }) => specifier)).toEqual(["./a.ts"]);
  });

  test("gives the line of the specifier, and does not look into comments or strings", () => {
    const source =
      '/**\n * import { x } from "./x.ts";\n */\n// import("./y.ts")\nexport const s = 1;\n// taken from "z"\nimport "./a.ts";\n';
    expect(importsOf(source)).toEqual([{ specifier: "./a.ts", line: 7 }]);
  });
});
