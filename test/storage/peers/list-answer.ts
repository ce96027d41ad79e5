/**
 * The answer to `GET /?uploads` of S3, Google's XML API and OSS, by their documentation: in the order of keys and, of one
 * key, of ids; behind the markers; as many as asked for; keys percent-encoded if that was asked for.
 */
export interface ListedUpload {
  key: string;
  /** Unix milliseconds. */
  began: number;
}

const MAX_UPLOADS = 1_000;

export function listAnswerOf(uploads: ReadonlyMap<string, ListedUpload>, query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = query.get("upload-id-marker");
  const encodes = query.get("encoding-type") === "url";
  const limit = Math.min(Number(query.get("max-uploads") ?? MAX_UPLOADS), MAX_UPLOADS);
  const behind = (key: string, id: string) =>
    key > keyMarker || (key === keyMarker && idMarker !== null && id > idMarker) || keyMarker === "";
  const all = [...uploads]
    .map(([id, upload]) => ({ id, ...upload }))
    .filter(({ id, key }) => key.startsWith(prefix) && behind(key, id))
    .sort((a, b) => (a.key === b.key ? order(a.id, b.id) : order(a.key, b.key)));
  const page = all.slice(0, limit).map(({ id, key, began }) => {
    const written = encodes ? encodeURIComponent(key).replaceAll("%20", "+") : escapeXml(key);
    // Others' ids stand in it too.
    const owner = "<Initiator><ID>somebody</ID></Initiator><Owner><ID>owner</ID></Owner>";
    return `<Upload><Key>${written}</Key><UploadId>${escapeXml(id)}</UploadId>${owner}<Initiated>${new Date(began).toISOString()}</Initiated></Upload>`;
  });
  const truncated = all.length > limit;
  const encoding = encodes ? "<EncodingType>url</EncodingType>" : "";
  return `<ListMultipartUploadsResult>${encoding}<IsTruncated>${truncated}</IsTruncated>${page.join("")}</ListMultipartUploadsResult>`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
