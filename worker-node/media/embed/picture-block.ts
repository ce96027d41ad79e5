/** A cover in Vorbis comments (Ogg, Opus): FLAC's picture block in base64, as `METADATA_BLOCK_PICTURE` wants it. */

/** "Cover (front)" of ID3v2's list of picture types. */
const FRONT_COVER = 3;
const TYPE = "image/jpeg";

/** @param size of the picture, pixels. */
export function pictureBlock(jpeg: Uint8Array, size: { width: number; height: number }): string {
  const head = Buffer.alloc(8 + TYPE.length + 4 + 20);
  let at = head.writeUInt32BE(FRONT_COVER, 0);
  at = head.writeUInt32BE(TYPE.length, at);
  at += head.write(TYPE, at, "latin1");
  // An empty description.
  at = head.writeUInt32BE(0, at);
  at = head.writeUInt32BE(size.width, at);
  at = head.writeUInt32BE(size.height, at);
  // Bits a pixel, colours of a palette (JPEG has none), bytes.
  at = head.writeUInt32BE(24, at);
  at = head.writeUInt32BE(0, at);
  head.writeUInt32BE(jpeg.length, at);
  return Buffer.concat([head, jpeg]).toString("base64");
}
