import { CLIP_SECONDS } from "./recipes.ts";

/** The hand-written files of the site: subtitles and the playlists that tie the generated parts together. */

const cues = (words: readonly string[]) =>
  words.map((word, second) => `00:00:0${second}.000 --> 00:00:0${second}.900\n${word}\n`).join("\n");
const english = cues(["one", "two", "three", "four", "five", "six", "seven", "eight"]);
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
  "drm/master.m3u8": FAIRPLAY,
};
