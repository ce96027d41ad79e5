/** Jobs API 3.1 and 3.2: one row a documented refusal, with its exact text and field. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, type Json, newAccount, refusal } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

const URL_OK = "https://media.example.com/v1";
const BAD_URL = "must be a valid http or https URL";
const PRIVATE = "must not point to a private address";
const RESOLUTIONS = "best, 2160, 1440, 1080, 720, 480, 360";
const TAGS = "tags must be at most 8 strings of the form key=value";
const LONG_URL = `https://media.example.com/${"a".repeat(4_096 - 26)}`;
const NETSCAPE = "cookies must be Netscape cookie text";
const LANGUAGES = "subtitle_languages must be at most 8 BCP 47 language tags";
const FORMAT = "format_id must be 1 to 64 letters, digits or characters of _+.-";
const cookieOf = (value: string, domain = ".example.com"): string => `${domain}\tTRUE\t/\tFALSE\t0\tsid\t${value}`;
const long = (count: number, text = "a"): string => text.repeat(count);

interface Case {
  title: string;
  body: Json;
  error: string;
  field: string;
}

function bad(title: string, field: string, value: unknown, error: string, more: Json = {}): Case {
  return { title, body: { url: URL_OK, [field]: value, ...more }, error, field };
}

const CASES: Case[] = [
  { title: "url is missing", body: {}, error: "url is required", field: "url" },
  { title: "url is null, which equals an omitted field", body: { url: null }, error: "url is required", field: "url" },
  bad("url is a number", "url", 7, "url must be a string"),
  bad("url is empty", "url", "", `url ${BAD_URL}`),
  bad("url is unparsable", "url", "https://", `url ${BAD_URL}`),
  bad("url is relative", "url", "/watch?v=1", `url ${BAD_URL}`),
  bad("url has another scheme", "url", "ftp://media.example.com/v1", `url ${BAD_URL}`),
  bad("url is a file", "url", "file:///etc/passwd", `url ${BAD_URL}`),
  bad("url is over 4,096 characters", "url", `${LONG_URL}a`, `url ${BAD_URL}`),
  bad("url is loopback", "url", "http://127.0.0.1/", `url ${PRIVATE}`),
  bad("url is loopback in hexadecimal", "url", "http://0x7f.1/", `url ${PRIVATE}`),
  bad("url is loopback as one number", "url", "http://2130706433/", `url ${PRIVATE}`),
  bad("url is a private network", "url", "http://192.168.1.1/a", `url ${PRIVATE}`),
  bad("url is the metadata service", "url", "http://169.254.169.254/latest", `url ${PRIVATE}`),
  bad("url is IPv4 inside IPv6", "url", "http://[::ffff:10.0.0.1]/", `url ${PRIVATE}`),
  bad("url is localhost", "url", "http://localhost:8787/", `url ${PRIVATE}`),
  bad("url is a .local name", "url", "http://nas.local/", `url ${PRIVATE}`),
  bad("url is an .internal name", "url", "http://db.internal/", `url ${PRIVATE}`),
  bad("format is no string", "format", 4, "format must be a string"),
  bad("video_codec in capitals", "video_codec", "H264", "video_codec must be one of: copy, h264, h265, vp9"),
  bad("video_codec is no string", "video_codec", true, "video_codec must be a string"),
  bad("audio_codec is unknown", "audio_codec", "flac", "audio_codec must be one of: copy, aac, opus, mp3"),
  bad(
    "audio_bitrate lacks its unit",
    "audio_bitrate",
    "192",
    "audio_bitrate must be one of: 64k, 128k, 192k, 256k, 320k",
  ),
  bad("video_quality is above 51", "video_quality", 52, "video_quality must be an integer between 0 and 51"),
  bad("video_quality is below 0", "video_quality", -1, "video_quality must be an integer between 0 and 51"),
  bad("video_quality is far too large", "video_quality", 1e20, "video_quality must be an integer between 0 and 51"),
  bad("video_quality is a fraction", "video_quality", 20.5, "video_quality must be an integer"),
  bad("video_quality is text", "video_quality", "20", "video_quality must be an integer"),
  bad(
    "quality_preset is unknown",
    "quality_preset",
    "best",
    "quality_preset must be one of: highest, high, medium, low, lowest",
  ),
  bad("max_resolution with a p", "max_resolution", "1080p", `max_resolution must be one of: ${RESOLUTIONS}`),
  bad("max_resolution of the downloads API", "max_resolution", "240", `max_resolution must be one of: ${RESOLUTIONS}`),
  bad("max_resolution is a number", "max_resolution", 1080, "max_resolution must be a string"),
  bad("filename is no string", "filename", ["a"], "filename must be a string"),
  bad("filename is over 255 characters", "filename", long(256), "Filename too long (max 255 characters)"),
  bad("filename with ..", "filename", "a..b", "Filename contains invalid characters"),
  bad("filename with /", "filename", "a/b", "Filename contains invalid characters"),
  bad("filename with \\", "filename", "a\\b", "Filename contains invalid characters"),
  bad("filename with NUL", "filename", "a\u0000b", "Filename contains invalid characters"),
  bad("folder is no string", "folder", 1, "folder must be a string"),
  bad("folder is over 200 characters", "folder", long(201), "Folder name too long (max 200 characters)"),
  bad("folder is blank", "folder", "  ", "Folder name must not be empty"),
  bad("folder is empty", "folder", "", "Folder name must not be empty"),
  bad("folder with ..", "folder", "a/../b", "Folder name must not contain .."),
  bad("folder with a leading /", "folder", "/a", "Folder name must not start with / or \\"),
  bad("folder with a leading \\", "folder", "\\a", "Folder name must not start with / or \\"),
  bad("webhook_url has another scheme", "webhook_url", "mailto:a@example.com", `webhook_url ${BAD_URL}`),
  bad(
    "webhook_url is over 2,048 characters",
    "webhook_url",
    `https://h.example.com/${long(2_048)}`,
    `webhook_url ${BAD_URL}`,
  ),
  bad("webhook_url is private", "webhook_url", "http://10.0.0.1/in", `webhook_url ${PRIVATE}`),
  bad(
    "webhook_url with user info",
    "webhook_url",
    "https://u:p@h.example.com/",
    "webhook_url must not contain credentials",
  ),
  bad("webhook_url is no string", "webhook_url", {}, "webhook_url must be a string"),
  bad("audio_only is text", "audio_only", "true", "audio_only must be a boolean"),
  bad("audio_only is a number", "audio_only", 1, "audio_only must be a boolean"),
  bad("download_thumbnail is text", "download_thumbnail", "yes", "download_thumbnail must be a boolean"),
  bad("clip_start is no time", "clip_start", "1m", "Invalid clip_start timestamp (use HH:MM:SS, MM:SS or seconds)"),
  bad("clip_end is no time", "clip_end", "-5", "Invalid clip_end timestamp (use HH:MM:SS, MM:SS or seconds)"),
  bad("clip_start is a number", "clip_start", 90, "clip_start must be a string"),
  bad("clip_end equals clip_start", "clip_end", "1:30", "clip_end must be greater than clip_start", {
    clip_start: "90",
  }),
  bad("clip_end is before clip_start", "clip_end", "00:00:10", "clip_end must be greater than clip_start", {
    clip_start: "0:11",
  }),
  bad("max_duration is 0", "max_duration", 0, "max_duration must be an integer between 1 and 86400"),
  bad("max_duration is over a day", "max_duration", 86_401, "max_duration must be an integer between 1 and 86400"),
  bad("playlist is unknown", "playlist", "yes", "playlist must be one of: auto, always, never"),
  bad("playlist_limit is over 1,000", "playlist_limit", 1_001, "playlist_limit must be an integer between 1 and 1000"),
  bad("priority is over 10", "priority", 11, "priority must be an integer between -10 and 10"),
  bad("tags is no array", "tags", "a=b", "tags must be an array"),
  bad(
    "nine tags",
    "tags",
    Array.from({ length: 9 }, (_, at) => `k${at}=v`),
    TAGS,
  ),
  bad("a tag without =", "tags", ["region"], TAGS),
  bad("a tag in capitals", "tags", ["Region=EU"], TAGS),
  bad("a tag that is no string", "tags", [1], TAGS),
  bad("metadata is an array", "metadata", [], "metadata must be an object"),
  bad("metadata is over 4,096 bytes", "metadata", { a: long(4_096) }, "metadata must be at most 4096 bytes"),
  bad("cookies is no string", "cookies", {}, "cookies must be a string"),
  bad("cookies over 64 KiB", "cookies", cookieOf(long(65_536)), "cookies must be at most 65536 bytes"),
  bad(
    "cookies over 64 KiB in bytes alone",
    "cookies",
    cookieOf(long(40_000, "é")),
    "cookies must be at most 65536 bytes",
  ),
  bad("cookies as a header has them", "cookies", "sid=1; a=b", `${NETSCAPE}: line 1 has 1 fields instead of 7`),
  bad("cookies as JSON", "cookies", '[{"name":"sid"}]', `${NETSCAPE}: line 1 has 1 fields instead of 7`),
  bad("cookies without any", "cookies", "# Netscape HTTP Cookie File\n", `${NETSCAPE}: it holds no cookie`),
  bad(
    "cookies with a bad line among good ones",
    "cookies",
    `${cookieOf("x")}\n\na\tb`,
    `${NETSCAPE}: line 3 has 2 fields instead of 7`,
  ),
  bad("cookies with a URL for a domain", "cookies", cookieOf("x", "http://a.b"), `${NETSCAPE}: line 1 has no domain`),
  bad(
    "cookies that would break a header",
    "cookies",
    cookieOf("a\u0007b"),
    `${NETSCAPE}: line 1 has a character that no cookie may have`,
  ),
  bad("subtitle_languages is no array", "subtitle_languages", "en", "subtitle_languages must be an array"),
  bad("nine subtitle languages", "subtitle_languages", Array(9).fill("en"), LANGUAGES),
  bad("a subtitle language that is an expression", "subtitle_languages", ["en.*"], LANGUAGES),
  bad("a subtitle language that is no string", "subtitle_languages", [1], LANGUAGES),
  bad("embed_metadata is text", "embed_metadata", "yes", "embed_metadata must be a boolean"),
  bad("format_id is a number", "format_id", 137, "format_id must be a string"),
  bad("format_id is empty", "format_id", "", FORMAT),
  bad("format_id is over 64 characters", "format_id", long(65), FORMAT),
  bad("format_id is an expression", "format_id", "bv*[height<=720]", FORMAT),
];

describe("POST /jobs refuses with 400", () => {
  it.each(CASES)("$title: $error", async ({ body, error, field }) => {
    expect(refusal(await account.api("POST", "/jobs", body))).toEqual({ status: 400, error, field });
  });

  it("with several bad fields: the first in table order is the error, `details` names all of them", async () => {
    const body = {
      folder: "/a",
      format: 1,
      url: "nope",
      webhook_url: "nope",
      audio_only: 1,
      clip_start: "9",
      clip_end: "8",
    };
    const answer = await account.api("POST", "/jobs", { ...body, max_duration: 0 });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: `url ${BAD_URL}`,
      field: "url",
      details: [
        { field: "url", message: `url ${BAD_URL}` },
        { field: "format", message: "format must be a string" },
        { field: "folder", message: "Folder name must not start with / or \\" },
        { field: "webhook_url", message: `webhook_url ${BAD_URL}` },
        { field: "audio_only", message: "audio_only must be a boolean" },
        { field: "clip_end", message: "clip_end must be greater than clip_start" },
        { field: "max_duration", message: "max_duration must be an integer between 1 and 86400" },
      ],
    });
  });

  it("nothing is created by a refused request", async () => {
    const fresh = await newAccount();
    await fresh.api("POST", "/jobs", { url: URL_OK, folder: "" });
    expect((await fresh.api("GET", "/jobs")).body).toMatchObject({ jobs: [], total: 0 });
  });
});

describe("POST /jobs takes what stands at the limit", () => {
  it.each<[string, Json]>([
    ["a url of 4,096 characters", { url: LONG_URL }],
    [
      "a url of 4,096 code points that are more UTF-16 units",
      { url: `https://media.example.com/${long(4_070, "😀")}` },
    ],
    ["a filename of 255 code points", { filename: long(255, "😀") }],
    ["a blank filename, which equals an omitted one", { filename: "  " }],
    ["a folder of 200 code points", { folder: long(200, "é") }],
    ["a folder that nests", { folder: "a/b/c" }],
    ["video_quality 0 and 51", { video_quality: 0 }],
    ["max_duration of a day", { max_duration: 86_400 }],
    ["only clip_end", { clip_end: "1:00:00.250" }],
    ["priority -10", { priority: -10 }],
    ["eight tags", { tags: Array.from({ length: 8 }, (_, at) => `k${at}=v`) }],
    ["metadata of 4,096 bytes", { metadata: { a: long(4_096 - 8) } }],
    [
      "cookies with comments, Windows line ends and #HttpOnly_",
      { cookies: `# x\r\n#HttpOnly_${cookieOf("a b=")}\r\n` },
    ],
    ["eight subtitle languages", { subtitle_languages: Array(8).fill("zh-Hant-TW") }],
    ["a format_id for picture and sound", { format_id: "137+140-drc" }],
  ])("%s", async (_, body) => {
    const answer = await account.api("POST", "/jobs", { url: URL_OK, ...body });
    expect(answer.body).toEqual({ job_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) });
    expect(answer.status).toBe(201);
  });
});
