/** The pages for operators, held against what they speak of. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { WORKER_SECRETS } from "../../edge/local/worker-config.ts";
import { NodeFigures } from "../../worker-node/metrics/figures.ts";
import { nodeMetrics, processNow } from "../../worker-node/metrics/node-metrics.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "docs", "operations");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const pages = readdirSync(FOLDER).filter((name) => name.endsWith(".md"));

/** Anchors as they are made of headings: lower case, words joined by hyphens. */
function anchorsOf(text: string): string[] {
  const headings = text.split("\n").filter((line) => /^#+ /.test(line));
  return headings.map((line) =>
    line
      .replace(/^#+ /, "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(pages)("%s", (name) => {
  it("leads to pages and headings that there are", () => {
    const text = readFileSync(join(FOLDER, name), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? join(FOLDER, name) : join(dirname(join(FOLDER, name)), file);
      expect(existsSync(path), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(readFileSync(path, "utf8")), target).toContain(anchor);
    }
  });
});

it("the README names every secret of the Worker", () => {
  for (const name of WORKER_SECRETS) expect(read("README.md")).toContain(`\`${name}\``);
});

it("the page of figures has every metric of edge and node, and the alerts use no other", () => {
  const versions = { node: "", ytdlp: "", ffmpeg: "", adapter: "" };
  const slots = { download: 0, live: 0 };
  const node = nodeMetrics(new NodeFigures(), {
    ...{ version: "", versions, slots, running: slots, calls: 0, quiet: false, heartbeatAgeMs: 0, diskFreeBytes: 0 },
    ...{ egress: { received: 0, sent: 0 }, process: processNow() },
  });
  // By its text: its types are those of the Worker, which this test is none of.
  const edge = [...read("edge/routes/health/fleet-metrics.ts").matchAll(/"(trawl_\w+)"/g)].map(
    ([, each]) => each ?? "",
  );
  expect(edge).toHaveLength(15);
  const names = [...edge, ...node.map((each) => each.name)];
  const page = read("docs/operations/metrics.md");
  for (const name of names) expect(page).toMatch(new RegExp(`\`${name}[{\`]`));
  const rules = read("docs/operations/alerts.yml");
  const used = new Set([...rules.matchAll(/\btrawl_\w+/g)].map(([name]) => name));
  expect(used.size).toBeGreaterThan(8);
  for (const name of used) expect(names).toContain(name);
});

it("each alert has a line that says what to do, and no line is without its alert", () => {
  const alerts = [...read("docs/operations/alerts.yml").matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const rows = [...read("docs/operations/alerts.md").matchAll(/^\| `(Trawl\w+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(alerts);
});

/** Folders whose code runs at an operator's. */
const CODE = ["bin", "edge", "scripts", "shared", "worker-node"];
const NAME = /\bTRAWL_[A-Z0-9_]*[A-Z0-9]/g;

it("the page of settings has every name that is read from the environment, and no other", () => {
  const files = CODE.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|mjs|sh)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const code = new Set(files.flatMap((file) => readFileSync(file, "utf8").match(NAME) ?? []));
  expect(code.size).toBeGreaterThan(40);
  const settings = read("docs/operations/settings.md");
  expect([...new Set(settings.match(NAME))].toSorted()).toEqual([...code].toSorted());
});

it("the other pages name no setting that is none", () => {
  const known = new Set(read("docs/operations/settings.md").match(NAME));
  const folders = ["docs/operations", "docs/guide"];
  const texts = folders.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => read(join(folder, name))));
  for (const name of [read("README.md"), ...texts].flatMap((text) => text.match(NAME) ?? [])) {
    expect([...known], name).toContain(name);
  }
});

it("every event that is logged as a warning or an error stands on a page", () => {
  const code = ["edge", "worker-node"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.name.endsWith(".ts"))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
  const logged = code.flatMap((text) =>
    [...text.matchAll(/\blog(?:\(\s*"(?:warn|error)",\s*|\.(?:warn|error)\(\s*)"([a-z_]+\.[a-z_]+)"/gi)].map(
      ([, event]) => event ?? "",
    ),
  );
  expect(logged.length).toBeGreaterThan(30);
  const text = pages.map((name) => readFileSync(join(FOLDER, name), "utf8")).join("\n");
  expect([...new Set(logged)].filter((event) => !text.includes(`\`${event}\``))).toEqual([]);
});
