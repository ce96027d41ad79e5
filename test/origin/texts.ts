import { CLIP_SECONDS } from "./recipes.ts";

/** The hand-written files of the site: subtitles and the playlists that tie the generated parts together. */

const cues = (words: readonly string[]) =>
  words.map((word, second) => `00:00:0${second}.000 --> 00:00:0${second}.900\n${word}\n`).join("\n");
/** The words of the tracks, one a second; those that are not WebVTT have them in their own form. */
const ENGLISH = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
const english = cues(ENGLISH);
const german = cues(["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht"]);

// ffmpeg's MPEG-TS segments start at 1.4 s (its default mux delay), i.e. 126000 ticks of the 90 kHz clock. Without the
// map (RFC 8216, 3.5) a player would show each cue 1.4 s early.
const TIMESTAMP_MAP = "X-TIMESTAMP-MAP=MPEGTS:126000,LOCAL:00:00:00.000";

const subtitlePlaylist = (language: string) => `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:${CLIP_SECONDS}
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MEDIA-SEQUENCE:0
#EXTINF:${CLIP_SECONDS}.000,
${language}.vtt
#EXT-X-ENDLIST
`;

const SRT = ENGLISH.map(
  (word, second) => `${second + 1}\r\n00:00:0${second},000 --> 00:00:0${second},900\r\n<i>${word}</i> & more\r\n`,
).join("\r\n");

const TTML = `<?xml version="1.0" encoding="utf-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" xml:lang="de">
<head><styling/></head>
<body><div begin="0s">
${["eins", "zwei", "drei", "vier", "f&#252;nf", "sechs", "sieben", "acht"]
  .map((word, second) => `<p begin="00:00:0${second}:00" end="00:00:0${second}.900"><span>${word}</span><br/>Zeile</p>`)
  .join("\n")}
</div></body></tt>
`;

const ASS = `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
${["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit"]
  .map(
    (word, second) =>
      `Dialogue: 0,0:00:0${second}.00,0:00:0${second}.90,Default,,0,0,0,,{\\b1}${word}{\\b0}, oui\\Nnon`,
  )
  .join("\n")}
`;

/**
 * A track in segments of two seconds, as live packagers write it: each has a map of its own and times from its own start,
 * and a word that is still to be seen at a border stands in both segments.
 */
const PIECES = [0, 2, 4, 6].map((from) => {
  const words = ENGLISH.slice(from, from + 2).map(
    (word, second) => `00:00:0${second}.000 --> 00:00:0${second}.900\n${word}\n`,
  );
  const lasting = from === 0 ? ["00:00:01.500 --> 00:00:02.000\nover the border\n"] : [];
  const rest = from === 2 ? ["00:00:00.000 --> 00:00:00.500\nover the border\n"] : [];
  const map = `X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:${126_000 + from * 90_000}`;
  return `WEBVTT\n${map}\n\n${[...rest, ...words, ...lasting].join("\n")}`;
});

const PIECES_PLAYLIST = `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
${PIECES.map((_, index) => `#EXTINF:2.000,\npieces-${index}.vtt`).join("\n")}
#EXT-X-ENDLIST
`;

const PIECES_MASTER = `#EXTM3U
#EXT-X-VERSION:4
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en-US",URI="subs/pieces.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1200000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2",SUBTITLES="subs"
360p/index.m3u8
`;

const MASTER = `#EXTM3U
#EXT-X-VERSION:4
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="subs/en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,URI="subs/de.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1200000,RESOLUTION=640x360,FRAME-RATE=25.000,CODECS="avc1.4d401e,mp4a.40.2",SUBTITLES="subs"
360p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2600000,RESOLUTION=1280x720,FRAME-RATE=25.000,CODECS="avc1.4d401f,mp4a.40.2",SUBTITLES="subs"
720p/index.m3u8
`;

// FairPlay as a real service declares it. yt-dlp recognises the key's `skd:` address and reports DRM; nothing here is
// encrypted, since no client may get as far as asking for a segment.
const FAIRPLAY = `#EXTM3U
#EXT-X-VERSION:5
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://example",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"
#EXT-X-STREAM-INF:BANDWIDTH=1200000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2"
../hls/360p/index.m3u8
`;

/** Content by path on the site. */
export const TEXTS: Readonly<Record<string, string>> = {
  "subtitles/en.vtt": `WEBVTT\n\n${english}`,
  "subtitles/de.vtt": `WEBVTT\n\n${german}`,
  "hls/subs/en.vtt": `WEBVTT\n${TIMESTAMP_MAP}\n\n${english}`,
  "hls/subs/de.vtt": `WEBVTT\n${TIMESTAMP_MAP}\n\n${german}`,
  "hls/subs/en.m3u8": subtitlePlaylist("en"),
  "hls/subs/de.m3u8": subtitlePlaylist("de"),
  "hls/master.m3u8": MASTER,
  "subtitles/en.srt": SRT,
  "subtitles/de.ttml": TTML,
  "subtitles/fr.ass": ASS,
  "hls/pieces.m3u8": PIECES_MASTER,
  "hls/subs/pieces.m3u8": PIECES_PLAYLIST,
  ...Object.fromEntries(PIECES.map((text, index) => [`hls/subs/pieces-${index}.vtt`, text])),
  "drm/master.m3u8": FAIRPLAY,
};
