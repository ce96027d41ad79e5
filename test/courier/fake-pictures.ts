/** What a thumbnail's URL may lead to. A behaviour of the fake receiver: `png`, `jpeg`, `webp`, `gif`, `svg`, `large`. */

const MIB = 1_048_576;

/** The first bytes by which each kind is known; what follows is no real picture. */
export const PICTURES: Record<string, number[]> = {
  jpeg: [0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46],
  png: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13],
  webp: [...text("RIFF"), 0x24, 0, 0, 0, ...text("WEBPVP8 ")],
  gif: [...text("GIF89a"), 1, 0, 1, 0],
  svg: text('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'),
  // One byte more than is served, beginning like a PNG.
  large: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
};

/** The answer of a host with a picture; null for a behaviour that is none. It lies about the type, but as `typed-<kind>`. */
export function fakePicture(behaviour: string) {
  const kind = behaviour.replace(/^typed-/, "");
  const start = PICTURES[kind];
  if (start === undefined) return null;
  const bytes = new Uint8Array(kind === "large" ? 5 * MIB + 1 : start.length);
  bytes.set(start);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return { status: 200, headers: { "content-type": kind === behaviour ? "text/html" : typeOf(kind) }, body };
}

function typeOf(kind: string): string {
  return kind === "svg" ? "image/svg+xml" : `image/${kind}`;
}

function text(characters: string): number[] {
  return [...characters].map((character) => character.charCodeAt(0));
}
