/**
 * Whether what lies under a key is the object that a completion has made. Its metadata say whose it is; but whoever may write
 * there may have put an object with the same metadata in its place before it was looked at (docs/decisions/117).
 *
 * Servers word an ETag as they like, and one that is misread would have every name counted as taken. So an object is held for
 * another one only where the server has shown that its words can be compared; else its metadata are believed.
 */
import type { UploadedPart } from "../../../shared/contract/media.ts";
import { toHex } from "../../../shared/hex.ts";
import type { BucketDialect } from "./dialect.ts";

/** A completion as the server answered it. */
export interface Completion {
  headers: Headers;
  etag: string | null;
}

const PART_MD5 = /^[0-9a-f]{32}$/;
const OF_PARTS = /^[0-9a-f]{32}-(\d+)$/;
const ENCRYPTION = "x-amz-server-side-encryption";

/**
 * @param seen headers of the object that lies there
 * @param answered null: the answer was lost, or the object was there already
 */
export function isReplaced(
  dialect: Pick<BucketDialect, "versions" | "etagOfParts">,
  seen: Headers,
  parts: readonly UploadedPart[],
  answered: Completion | null,
): boolean {
  for (const name of answered === null ? [] : dialect.versions) {
    const [made, lies] = [answered?.headers.get(name), seen.get(name)];
    if (made && lies) return made !== lies;
  }
  if (!dialect.etagOfParts) return false;
  const [lies, made] = [bare(seen.get("etag")), bare(answered?.etag ?? null)];
  const computed = etagOf(parts);
  if (lies === null || computed === null || lies === computed || lies === made) return false;
  // It has counted the ETag as Amazon does; or cannot, as the parts are encrypted with a key of its own, and tells so as Amazon does.
  if (made !== null) return made === computed || isAmazons(answered?.headers, /^aws:/);
  const count = OF_PARTS.exec(lies)?.[1];
  return (count !== undefined && Number(count) !== parts.length) || isAmazons(seen, /^AES256$/);
}

function isAmazons(headers: Headers | undefined, how: RegExp): boolean {
  return how.test(headers?.get(ENCRYPTION) ?? "");
}

/** The ETag that Amazon gives an object in parts: the MD5 of their MD5s, and how many. Null: their ETags are no MD5s. */
function etagOf(parts: readonly UploadedPart[]): string | null {
  const md5s = parts
    .toSorted((one, other) => one.part_number - other.part_number)
    .map(({ etag }) => PART_MD5.exec(bare(etag) ?? "")?.[0]);
  if (md5s.includes(undefined)) return null;
  return `${md5Hex(Uint8Array.from(md5s.flatMap((hex) => bytesOf(hex ?? ""))))}-${parts.length}`;
}

function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

/** Without its quotes, and in lower case. */
function bare(etag: string | null): string | null {
  return etag?.replace(/^W\//, "").replaceAll('"', "").toLowerCase() ?? null;
}

/** Of Node's modules, which workerd has too. WebCrypto knows no MD5 in Node, and the runtimes' types do not both know this one. */
interface NodeCrypto {
  createHash(name: "md5"): { update(bytes: Uint8Array): { digest(): Uint8Array } };
}
const { process } = globalThis as unknown as { process: { getBuiltinModule(name: "node:crypto"): NodeCrypto } };

function md5Hex(bytes: Uint8Array): string {
  return toHex(new Uint8Array(process.getBuiltinModule("node:crypto").createHash("md5").update(bytes).digest()));
}
