import { CLIP_SECONDS, EPISODE_SECONDS } from "./recipes.ts";

/** The words of the page at `pages/watch`, for tests to compare. */
export const WATCH = {
  title: "A Clock & Its Beep",
  description: "Eight seconds of a test card with a running clock.",
  uploadDate: "2024-01-15T12:00:00Z",
} as const;

type Page = (address: string) => string;

const html = (title: string, head: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)}</title>
${head}
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;

export const escapeHtml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const meta = (property: string, content: string) => `<meta property="${property}" content="${escapeHtml(content)}">`;

const openGraph = (address: string) =>
  [
    meta("og:type", "video.other"),
    meta("og:title", WATCH.title),
    meta("og:description", WATCH.description),
    meta("og:image", `${address}/thumbs/thumb.jpg`),
    meta("og:video", `${address}/video-720.mp4`),
    meta("og:video:type", "video/mp4"),
    meta("og:video:width", "1280"),
    meta("og:video:height", "720"),
    meta("video:release_date", WATCH.uploadDate),
  ].join("\n");

const jsonLd = (address: string) =>
  `<script type="application/ld+json">${JSON.stringify({
    "@context": "https://schema.org",
    "@type": "VideoObject",
    name: WATCH.title,
    description: WATCH.description,
    thumbnailUrl: [`${address}/thumbs/thumb.jpg`],
    uploadDate: WATCH.uploadDate,
    duration: `PT${CLIP_SECONDS}S`,
    contentUrl: `${address}/video-720.mp4`,
    embedUrl: `${address}/pages/html5`,
    width: 1280,
    height: 720,
    interactionStatistic: {
      "@type": "InteractionCounter",
      interactionType: { "@type": "WatchAction" },
      userInteractionCount: 4321,
    },
  })}</script>`;

interface Source {
  readonly file: string;
  readonly type: string;
  readonly label?: string;
}

const player = (address: string, sources: readonly Source[], tracks = "", poster = "thumb.jpg") => `<video controls \
poster="${address}/thumbs/${poster}">
${sources.map(({ file, type, label }) => `<source src="/${file}" type="${type}"${label ? ` label="${label}"` : ""}>`).join("\n")}
${tracks}
</video>`;

// yt-dlp reads a height out of the label, and knows no other: this is the page for tests that choose by height.
const LADDER: readonly Source[] = [
  { file: "video-1080.mp4", type: "video/mp4", label: "1080p" },
  { file: "video-720.mp4", type: "video/mp4", label: "720p" },
  { file: "video-360.mp4", type: "video/mp4", label: "360p" },
  { file: "video-360.webm", type: "video/webm", label: "360p WebM" },
];

const TRACKS = `<track kind="subtitles" src="/subtitles/en.vtt" srclang="en" label="English" default>
<track kind="subtitles" src="/subtitles/de.vtt" srclang="de" label="Deutsch">`;

const OTHER_TRACKS = `<track kind="subtitles" src="/subtitles/fr.ass" srclang="fr" label="Français">
<track kind="subtitles" src="/subtitles/de.ttml" srclang="de" label="Deutsch">
<track kind="subtitles" src="/subtitles/en.srt" srclang="en-GB" label="English">`;

const SMALL: readonly Source[] = [{ file: "video-360.mp4", type: "video/mp4" }];

/** Its chapters, for tests to compare: they reach over all of the clip. */
export const CHAPTERS = [
  { title: "Before = noon; #1", start: 0, end: 3 },
  { title: "After \\ noon", start: 3, end: CLIP_SECONDS },
] as const;

const chaptered = (address: string) =>
  `<script type="application/ld+json">${JSON.stringify({
    "@context": "https://schema.org",
    "@type": "VideoObject",
    name: "A title = with; signs # and \\ more",
    description: "First line\n; second = line\n[CHAPTER]",
    thumbnailUrl: [`${address}/thumbs/thumb.webp`],
    uploadDate: WATCH.uploadDate,
    author: { "@type": "Person", name: "A. Clockmaker" },
    duration: `PT${CLIP_SECONDS}S`,
    contentUrl: `${address}/video-360.mp4`,
    hasPart: CHAPTERS.map(({ title, start, end }) => ({
      "@type": "Clip",
      name: title,
      startOffset: start,
      endOffset: end,
    })),
  })}</script>`;

/** Pages by path on the site. */
export const PAGES: Readonly<Record<string, Page>> = {
  "pages/watch": (address) =>
    html(WATCH.title, `${openGraph(address)}\n${jsonLd(address)}`, "<p>Made for machines.</p>"),
  "pages/open-graph": (address) => html(WATCH.title, openGraph(address), "<p>Made for link previews.</p>"),
  "pages/html5": (address) => html("A plain player", "", player(address, LADDER, TRACKS)),
  "pages/gallery": (address) =>
    html(
      "Three of a kind",
      "",
      ["video-360.mp4", "vertical.mp4", "video-1080.mp4"]
        .map((file) => player(address, [{ file, type: "video/mp4" }]))
        .join("\n"),
    ),
  "pages/captions": (address) => html("Words in other forms", "", player(address, SMALL, OTHER_TRACKS)),
  "pages/chapters": (address) => html("In two parts", chaptered(address), "<p>Made for navigation.</p>"),
  ...Object.fromEntries(
    ["png", "webp", "gif"].map((kind): [string, Page] => [
      `pages/poster-${kind}`,
      (address) => html(`A poster in ${kind}`, "", player(address, SMALL, "", `thumb.${kind}`)),
    ]),
  ),
  "pages/plain": () => html("Nothing to see", "", "<p>This page has words and no video.</p>"),
  ...Object.fromEntries(
    EPISODE_SECONDS.map((_, index): [string, Page] => [
      `pages/episode-${index + 1}`,
      () => html(`Episode ${index + 1}`, "", `<audio controls src="/episodes/${index + 1}.mp3"></audio>`),
    ]),
  ),
};
