/**
 * Signed URLs of managed files (jobs API 11.2): `/f/<file and account>/<key>?expires=<s>&signature=<hmac>`. The path names
 * the file's id, so a renamed or replaced object is never served under an old link.
 */
import { formatUuid, isUuid } from "../../../shared/ids.ts";
import { FILE_URL_TTL_MS } from "../../../shared/limits.ts";
import { fromBase64Url, type Signer, toBase64Url } from "../../auth/signing.ts";

export interface FileLink {
  fileId: string;
  account: string;
  key: string;
  /** Epoch seconds. */
  expires: number;
}

export async function signFileUrl(
  signer: Signer,
  origin: string,
  file: Pick<FileLink, "fileId" | "account" | "key">,
  now: number,
): Promise<string> {
  const expires = Math.ceil((now + FILE_URL_TTL_MS) / 1000);
  const link: FileLink = { ...file, expires };
  const signature = await signer.sign("file-url", signedText(link));
  const path = file.key.split("/").map(encodeURIComponent).join("/");
  return `${origin}/f/${packIds(link)}/${path}?expires=${expires}&signature=${signature}`;
}

/** The link that a request URL carries, if its signature holds and it has not run out. */
export async function openFileUrl(signer: Signer, url: URL, now: number): Promise<FileLink | null> {
  const [, , ids, ...rest] = url.pathname.split("/");
  const unpacked = unpackIds(ids ?? "");
  const expires = Number(url.searchParams.get("expires"));
  if (unpacked === null || !Number.isSafeInteger(expires) || expires * 1000 <= now) return null;
  let key: string;
  try {
    key = rest.map(decodeURIComponent).join("/");
  } catch {
    return null;
  }
  const link: FileLink = { ...unpacked, key, expires };
  const signature = url.searchParams.get("signature") ?? "";
  return (await signer.verify("file-url", signedText(link), signature)) ? link : null;
}

function signedText(link: FileLink): string {
  return [link.fileId, link.account, link.key, link.expires].join("\n");
}

/** Two UUIDs as one opaque path segment. */
function packIds(link: Pick<FileLink, "fileId" | "account">): string {
  const hex = (link.fileId + link.account).replaceAll("-", "");
  return toBase64Url(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}

function unpackIds(text: string): Pick<FileLink, "fileId" | "account"> | null {
  const bytes = fromBase64Url(text);
  if (bytes === null || bytes.length !== 32) return null;
  const fileId = formatUuid(bytes.subarray(0, 16));
  const account = formatUuid(bytes.subarray(16));
  return isUuid(fileId) && isUuid(account) ? { fileId, account } : null;
}
