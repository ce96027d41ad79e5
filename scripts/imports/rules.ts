import { posix } from "node:path";

/**
 * The import directions of DESIGN.md section 2. A path-resolving script and not the linter's `noRestrictedImports`: that
 * rule sees the specifier as written, and cannot tell `./edge/client.ts` inside `worker-node/` from a way out of it.
 */
interface Zone {
  /** Folder prefix; the longest that fits names a file's zone. */
  folder: string;
  /** Folders of this clone that it may import, besides itself. */
  may: readonly string[];
  /** Module kinds that it may not import, with the reason that is printed. */
  mayNot: readonly { pattern: RegExp; reason: string }[];
}

const NODE = { pattern: /^node:/, reason: "code that runs in the Worker keeps to web standards" };
const CLOUDFLARE = { pattern: /^cloudflare:/, reason: "this runs in Node, which has no cloudflare: modules" };

const ZONES: readonly Zone[] = [
  {
    folder: "shared",
    may: [],
    mayNot: [{ pattern: /^(?!zod($|\/))/, reason: "shared/ runs everywhere: it imports zod and itself, nothing else" }],
  },
  { folder: "edge", may: ["shared"], mayNot: [NODE] },
  { folder: "edge/local", may: ["edge", "shared", "worker-node/egress"], mayNot: [CLOUDFLARE] },
  { folder: "worker-node", may: ["shared"], mayNot: [CLOUDFLARE] },
  {
    folder: "bin",
    // test/origin: the demo serves its sample from the fixture site.
    may: ["edge/local", "worker-node", "shared", "test/origin"],
    mayNot: [CLOUDFLARE],
  },
  { folder: "scripts", may: ["bin", "edge/local", "worker-node", "shared"], mayNot: [CLOUDFLARE] },
  { folder: "test", may: ["bin", "edge", "edge/local", "worker-node", "shared", "scripts"], mayNot: [] },
];

const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function zoneOf(path: string): Zone | undefined {
  return ZONES.filter((zone) => inside(path, zone.folder)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

/**
 * Says why a file may not import a module, or null if it may.
 *
 * @param file Path from the root of the clone, with `/`.
 * @param specifier As written in the import.
 * @example forbidden("edge/index.ts", "../worker-node/node.ts") // "edge/ may import only ..."
 */
export function forbidden(file: string, specifier: string): string | null {
  const zone = zoneOf(file);
  if (zone === undefined) return null;
  if (!specifier.startsWith(".")) {
    return zone.mayNot.find(({ pattern }) => pattern.test(specifier))?.reason ?? null;
  }
  const target = posix.join(posix.dirname(file), specifier);
  const targetZone = zoneOf(target);
  if (targetZone === zone) return null;
  // A folder that is allowed does not bring a zone that lies inside it: edge/ is not edge/local/.
  const allowed = zone.may.some((folder) => inside(target, folder) && !isNestedZone(targetZone, folder));
  if (allowed) return null;
  // Files at the root (package.json) belong to no zone; only shared/, which runs everywhere, may not read them.
  if (targetZone === undefined && zone.folder !== "shared" && !target.startsWith("..")) return null;
  return `${zone.folder}/ may import only ${["itself", ...zone.may.map((folder) => `${folder}/`)].join(", ")}`;
}

function isNestedZone(zone: Zone | undefined, folder: string): boolean {
  return zone !== undefined && zone.folder !== folder && inside(zone.folder, folder);
}
