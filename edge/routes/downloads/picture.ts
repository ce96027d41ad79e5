/** Pictures from strangers: known by their first bytes, never by what anyone says of them. */

/** Largest thumbnail that is served. */
export const MAX_PICTURE_BYTES = 5 * 1_048_576;

/** The type of a picture that browsers may be given; null for anything else, SVG (which can run scripts) included. */
export function pictureType(bytes: Uint8Array): string | null {
  const starts = (text: string, at = 0) =>
    [...text].every((character, index) => bytes[at + index] === character.charCodeAt(0));
  if (starts("\xff\xd8\xff")) return "image/jpeg";
  if (starts("\x89PNG\r\n\x1a\n")) return "image/png";
  if (starts("RIFF") && starts("WEBP", 8)) return "image/webp";
  if (starts("GIF87a") || starts("GIF89a")) return "image/gif";
  return null;
}

/** The whole body; null as soon as it is longer than a picture may be. */
export async function readPicture(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_PICTURE_BYTES) return null;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
