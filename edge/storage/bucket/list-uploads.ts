/**
 * `ListMultipartUploads`, as S3, Google's XML API and OSS all speak it: `GET /?uploads`. The next page begins behind the
 * last upload of this one, whatever the answer calls that: an answer may be cut off, and then its last words are missing.
 */
import { elementsOf, elementText } from "../../../shared/element-text.ts";
import type { BucketClient } from "./client.ts";

/** Most that any of the servers gives at once; a thousand of them are about half a megabyte. */
const PAGE_UPLOADS = 1_000;
const MAX_LIST_CHARACTERS = 2_000_000;
const LIST_TIMEOUT_MS = 20_000;

export interface OpenUpload {
  key: string;
  /** The server's id. */
  id: string;
  /** Unix milliseconds, by the server's clock. */
  began: number;
}

export interface UploadPage {
  uploads: OpenUpload[];
  more: boolean;
}

export interface UploadSearch {
  /** What the keys begin with. */
  prefix: string;
  /** The last upload of the page before. */
  after: OpenUpload | null;
  /** Defaults to 20 s. */
  timeoutMs?: number;
}

export async function listUploads(client: BucketClient, search: UploadSearch): Promise<UploadPage> {
  const { prefix, after, timeoutMs = LIST_TIMEOUT_MS } = search;
  const { text } = await client.send({
    method: "GET",
    key: "",
    query: {
      uploads: null,
      "max-uploads": String(PAGE_UPLOADS),
      // XML has no way to write every key.
      "encoding-type": "url",
      ...(prefix === "" ? {} : { prefix }),
      ...(after === null ? {} : { "key-marker": after.key, "upload-id-marker": after.id }),
    },
    maxCharacters: MAX_LIST_CHARACTERS,
    timeoutMs,
  });
  const encoded = elementText(text, "EncodingType") === "url";
  const uploads = elementsOf(text, "Upload").flatMap((one) => {
    const key = elementText(one, "Key");
    const id = elementText(one, "UploadId");
    const began = Date.parse(elementText(one, "Initiated") ?? "");
    if (key === null || id === null || Number.isNaN(began)) return [];
    return [{ key: encoded ? decoded(key) : key, id, began }];
  });
  const cut = text.length >= MAX_LIST_CHARACTERS;
  return { uploads, more: cut || elementText(text, "IsTruncated") === "true" };
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", "%20"));
  } catch {
    return key;
  }
}
