import { describe, expect, it } from "vitest";
import { cleanText } from "../../shared/clean-text.ts";

describe("cleanText", () => {
  it.each([
    ["Use yt-dlp -U, YT-DLP, yt_dlp or ytdlp", "Use downloader -U, downloader, downloader or downloader"],
    ["unable to open /var/lib/trawl/work/7/source-0: denied", "unable to open: denied"],
    ["No such file: '/home/me/a.mp4'", "No such file"],
    ["see file:///etc/passwd now", "see now"],
    ["cannot write /tmp", "cannot write"],
    ["at C:\\Users\\me\\x.mp4 failed", "at failed"],
    ["from https://user:pa@ss@example.com/watch", "from https://example.com/watch"],
    ["from http://user:secret@example.com/", "from http://example.com/"],
    ["proxy http://a7:pw@127.0.0.1:9 refused", "proxy http://127.0.0.1:9 refused"],
    ["GET https://h/x?token=abc&v=1&signature=zz", "GET https://h/x?token=…&v=1&signature=…"],
    ["key sk_live_abcdef123456 and whsec_QWERTYUIOP", "key … and …"],
    ["connect 10.1.2.3:443 from 192.168.0.7", "connect from"],
    ["connect fe80::1 and ::1 and 2001:db8:0:0:0:0:0:7", "connect and and"],
    ["mapped ::ffff:10.0.0.1 address", "mapped address"],
    ["Unsupported URL: http://192.0.2.1/a/b", "Unsupported URL: http://192.0.2.1/a/b"],
    ["clip 00:01:30 to 00:02:00 of std::string", "clip 00:01:30 to 00:02:00 of std::string"],
    ["version 2026.10.26, 3/4 done and/or so", "version 2026.10.26, 3/4 done and/or so"],
    ["\u001b[0;31mERROR:\u001b[0m bad\r\nline\u202eexe", "ERROR: bad line exe"],
    ["", ""],
  ])("%j → %j", (text, clean) => {
    expect(cleanText(text)).toBe(clean);
    expect(cleanText(clean)).toBe(clean);
  });

  it("cuts at 500 code points, or as told, never inside one", () => {
    expect([...cleanText("😀".repeat(900))]).toHaveLength(500);
    expect(cleanText("😀".repeat(9), { max: 3 })).toBe("😀😀…");
  });

  it.each([
    "a".repeat(1e6),
    "1.".repeat(5e5),
    ":".repeat(1e6),
    "/".repeat(1e6),
    "/a".repeat(5e5),
    "f:".repeat(5e5),
    "x://".repeat(2e5),
  ])("is quick on hostile text", (text) => {
    const began = performance.now();
    cleanText(text);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
