/**
 * What the site shows and how ffmpeg makes it. Everything is synthetic: `testsrc2` draws a running clock and a frame
 * number (so a cut in the wrong place is visible), and `sine` beeps once a second (so is a drift of the sound).
 *
 * Any change in this file changes the hash of the cache folder, so a stale cache cannot be served.
 */

import { beeps, NUMBERED } from "./marked.ts";

/** What ffprobe must say about one file; the tests hold every file against it. */
export interface MediaFact {
  /** Path on the site, without the leading slash. */
  readonly file: string;
  readonly seconds: number;
  readonly video?: { readonly codec: string; readonly width: number; readonly height: number };
  readonly audio?: string;
}

/** One run of ffmpeg; paths are relative to the folder being filled. */
export interface Recipe {
  readonly makes: string;
  readonly args: readonly string[];
}

const FRAMES_PER_SECOND = 25;
/** Segments are cut at key frames, so the key frame distance is the HLS and DASH segment length. */
const SEGMENT_SECONDS = 2;
export const CLIP_SECONDS = 8;
const BIG_CLIP_SECONDS = 5;
const VERTICAL_SECONDS = 6;
export const EPISODE_SECONDS: readonly number[] = [6, 7, 8];
/** Long enough that a clip of it is a small part. */
export const LONG_SECONDS = 60;
/** Not what the playlist says, which is rounded to whole seconds: their sum is seconds off at the end. */
const LONG_SEGMENT_FRAMES = 48;
/** One segment per second; see `behaviours/live.ts`. */
export const LIVE_SEGMENTS = 60;

const picture = (size: string, seconds: number) =>
  `-f lavfi -i testsrc2=size=${size}:rate=${FRAMES_PER_SECOND}:duration=${seconds}`;
const beep = (seconds: number, hertz = 440) =>
  `-f lavfi -i sine=frequency=${hertz}:beep_factor=4:sample_rate=48000:duration=${seconds}`;

// Main profile at a fixed level, so that CODECS in the master playlist below stays true. No B-frames: with them the
// first picture starts late by two frames, and every duration check would need to know it.
const h264 = (level: string, kbit: number, keyEvery = SEGMENT_SECONDS * FRAMES_PER_SECOND) =>
  `-c:v libx264 -preset veryfast -profile:v main -level ${level} -pix_fmt yuv420p -bf 0 -b:v ${kbit}k ` +
  `-maxrate ${kbit}k -bufsize ${kbit}k -g ${keyEvery} -keyint_min ${keyEvery} -sc_threshold 0`;
const AAC = "-c:a aac -b:a 96k";
const OPUS = "-c:a libopus -b:a 96k";
const FASTSTART = "-movflags +faststart";

const recipe = (makes: string, args: string): Recipe => ({ makes, args: [...args.split(" "), makes] });

const mp4 = (makes: string, size: string, seconds: number, level: string, kbit: number) =>
  recipe(makes, `${picture(size, seconds)} ${beep(seconds)} ${h264(level, kbit)} ${AAC} ${FASTSTART}`);

const hls = (height: number) =>
  recipe(
    `hls/${height}p/index.m3u8`,
    `-i video-${height}.mp4 -c copy -f hls -hls_time ${SEGMENT_SECONDS} -hls_playlist_type vod ` +
      `-hls_segment_filename hls/${height}p/%03d.ts`,
  );

export const TINY_SECONDS = 3;
const TINY_H264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g 50 -sc_threshold 0 -b:v 300k";

/** For conversions by the dozen. The sound is noise, which takes all the bits that an encoder may spend. */
const tiny = (makes: string, size: string, args: string) =>
  recipe(
    makes,
    `${picture(size, TINY_SECONDS)} -f lavfi -i anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:seed=1:duration=${TINY_SECONDS} ` +
      `-ac 2 ${args}`,
  );

export const RECIPES: readonly Recipe[] = [
  mp4("video-360.mp4", "640x360", CLIP_SECONDS, "3.0", 800),
  mp4("video-720.mp4", "1280x720", CLIP_SECONDS, "3.1", 2000),
  mp4("video-1080.mp4", "1920x1080", BIG_CLIP_SECONDS, "4.0", 4000),
  mp4("vertical.mp4", "360x640", VERTICAL_SECONDS, "3.0", 800),
  recipe(
    "video-360.webm",
    `${picture("640x360", CLIP_SECONDS)} ${beep(CLIP_SECONDS)} ` +
      `-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -b:v 600k -g 50 ${OPUS}`,
  ),
  recipe("audio.mp3", `${beep(CLIP_SECONDS)} -c:a libmp3lame -b:a 128k -ac 2`),
  recipe("audio.m4a", `${beep(CLIP_SECONDS)} -c:a aac -b:a 128k -ac 2 ${FASTSTART}`),
  recipe("audio.ogg", `${beep(CLIP_SECONDS)} -c:a libopus -b:a 128k -vbr off -ac 2`),
  ...EPISODE_SECONDS.map((seconds, index) =>
    recipe(`episodes/${index + 1}.mp3`, `${beep(seconds, 330 + 110 * index)} -c:a libmp3lame -b:a 128k -ac 2`),
  ),
  hls(360),
  hls(720),
  recipe(
    "broadcast/index.m3u8",
    `${picture("320x180", LIVE_SEGMENTS)} ${beep(LIVE_SEGMENTS)} ${h264("3.0", 200, FRAMES_PER_SECOND)} ${AAC} ` +
      "-f hls -hls_time 1 -hls_playlist_type vod -hls_segment_filename broadcast/%03d.ts",
  ),
  // The broadcast in the other shapes that HLS has: fragments after a map, picture and sound apart, one file in ranges.
  ...[
    ["broadcast-mp4", "-map 0:v -map 0:a", "fmp4"],
    ["broadcast-video", "-map 0:v", "fmp4"],
    ["broadcast-audio", "-map 0:a", "fmp4"],
  ].map(([folder, maps, type]) =>
    recipe(
      `${folder}/index.m3u8`,
      `-i broadcast/index.m3u8 ${maps} -c copy -bsf:a aac_adtstoasc -copyts -f hls -hls_time 1 -hls_playlist_type vod -hls_segment_type ${type} ` +
        `-hls_segment_filename ${folder}/%03d.m4s`,
    ),
  ),
  recipe(
    "broadcast-ranges/index.m3u8",
    "-i broadcast/index.m3u8 -c copy -f hls -hls_time 1 -hls_playlist_type vod -hls_flags single_file",
  ),
  {
    makes: "dash/manifest.mpd",
    args: [
      ..."-i video-360.mp4 -i video-720.mp4 -map 0:v -map 1:v -map 0:a -c copy -f dash".split(" "),
      ...["-seg_duration", `${SEGMENT_SECONDS}`, "-adaptation_sets", "id=0,streams=v id=1,streams=a"],
      "dash/manifest.mpd",
    ],
  },
  tiny("tiny/h264.mp4", "320x180", `${TINY_H264} ${AAC} ${FASTSTART}`),
  tiny("tiny/upright.mp4", "180x320", `${TINY_H264} ${AAC} ${FASTSTART}`),
  tiny("tiny/vp9.webm", "320x180", `-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -g 50 ${OPUS}`),
  recipe(
    "tiny/hls/index.m3u8",
    "-i tiny/h264.mp4 -c copy -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_filename tiny/hls/%03d.ts",
  ),
  {
    makes: "tiny/dash/manifest.mpd",
    args: [
      ..."-i tiny/h264.mp4 -map 0:v -map 0:a -c copy -f dash -seg_duration 2".split(" "),
      ...["-adaptation_sets", "id=0,streams=v id=1,streams=a", "tiny/dash/manifest.mpd"],
    ],
  },
  {
    makes: "long/video.mp4",
    args: [
      ...["-f", "lavfi", "-i", NUMBERED, "-f", "lavfi", "-i", beeps(LONG_SECONDS), "-t", String(LONG_SECONDS)],
      ...`-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g ${LONG_SEGMENT_FRAMES} -sc_threshold 0`.split(" "),
      ...[...AAC.split(" "), ...FASTSTART.split(" "), "long/video.mp4"],
    ],
  },
  recipe(
    "long/hls/index.m3u8",
    "-i long/video.mp4 -c copy -f hls -hls_time 1 -hls_flags round_durations -hls_playlist_type vod " +
      "-hls_segment_filename long/hls/%03d.ts",
  ),
  {
    makes: "long/dash/manifest.mpd",
    args: [
      ..."-i long/video.mp4 -map 0:v -map 0:a -c copy -f dash -seg_duration 1.92".split(" "),
      ...["-adaptation_sets", "id=0,streams=v id=1,streams=a", "long/dash/manifest.mpd"],
    ],
  },
  recipe("thumbs/thumb.jpg", "-ss 1 -i video-360.mp4 -frames:v 1 -q:v 3"),
  recipe("thumbs/thumb.png", "-ss 1 -i video-360.mp4 -frames:v 1"),
  recipe("thumbs/thumb.webp", "-ss 1 -i video-360.mp4 -frames:v 1 -c:v libwebp"),
  recipe("thumbs/thumb.gif", "-ss 1 -i video-360.mp4 -frames:v 1"),
];

const clip = (file: string, seconds: number, width: number, height: number): MediaFact => ({
  file,
  seconds,
  video: { codec: "h264", width, height },
  audio: "aac",
});

/** Every playable address of the site. */
export const MEDIA: readonly MediaFact[] = [
  clip("video-360.mp4", CLIP_SECONDS, 640, 360),
  clip("video-720.mp4", CLIP_SECONDS, 1280, 720),
  clip("video-1080.mp4", BIG_CLIP_SECONDS, 1920, 1080),
  clip("vertical.mp4", VERTICAL_SECONDS, 360, 640),
  {
    ...clip("video-360.webm", CLIP_SECONDS, 640, 360),
    video: { codec: "vp9", width: 640, height: 360 },
    audio: "opus",
  },
  { file: "audio.mp3", seconds: CLIP_SECONDS, audio: "mp3" },
  { file: "audio.m4a", seconds: CLIP_SECONDS, audio: "aac" },
  { file: "audio.ogg", seconds: CLIP_SECONDS, audio: "opus" },
  ...EPISODE_SECONDS.map((seconds, index) => ({ file: `episodes/${index + 1}.mp3`, seconds, audio: "mp3" })),
  clip("hls/360p/index.m3u8", CLIP_SECONDS, 640, 360),
  clip("hls/720p/index.m3u8", CLIP_SECONDS, 1280, 720),
  clip("dash/manifest.mpd", CLIP_SECONDS, 640, 360),
];

/** Still pictures, all 640x360; the value is ffprobe's name for the codec. */
export const THUMBNAILS: Readonly<Record<string, string>> = {
  "thumbs/thumb.jpg": "mjpeg",
  "thumbs/thumb.png": "png",
  "thumbs/thumb.webp": "webp",
  "thumbs/thumb.gif": "gif",
};
