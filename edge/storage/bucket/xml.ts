/** What we say to S3 in XML; what it says is read by `shared/element-text.ts`. */
import type { UploadedPart } from "../../../shared/contract/media.ts";

/** Body of CompleteMultipartUpload. ETags are a stranger's words. */
export function completeBody(parts: readonly UploadedPart[]): string {
  const list = parts.map(
    (part) => `<Part><PartNumber>${part.part_number}</PartNumber><ETag>${escapeXml(part.etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join("")}</CompleteMultipartUpload>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
