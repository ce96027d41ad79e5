import { expect, it } from "vitest";
import { refusedOption } from "../../../../worker-node/media/library/refused.ts";

it.each([
  [["--exec", "reboot"], "--exec"],
  [["--embed-subs", "--exec=reboot"], "--exec"],
  [["--exe", "reboot"], "--exe"],
  [["--netrc-c", "x"], "--netrc-c"],
  [["--downloader", "aria2c"], "--downloader"],
  [["--downloader=dash:aria2c"], "--downloader"],
  [["--downloader", "native", "--downloader-args", "x"], "--downloader-args"],
  [["--ppa", "x"], "--ppa"],
  [["-xo", "/etc/passwd"], "-x"],
  [["-P/etc"], "-P"],
  [["-ia", "list.txt"], "-i"],
  [["-U"], "-U"],
  [["--load-info", "x"], "--load-info"],
])("refuses %j", (args, word) => {
  expect(refusedOption(args)).toBe(word);
});

it.each([
  [["--socket-timeout", "30", "--download-archive", "/config/archive.log"]],
  [["--format-sort", "vcodec:h264,acodec:aac", "--format", "bv*[height<=1080]+ba/b[height<=1080]"]],
  [
    [
      "--merge-output-format",
      "mp4",
      "--remux-video",
      "mp4",
      "--embed-chapters",
      "--embed-metadata",
      "--embed-thumbnail",
    ],
  ],
  [["-x", "-f", "ba", "-S", "res:720", "-N", "8", "-R", "3", "-I", "1:5", "-k", "-w"]],
  // What stands behind a letter that takes a value is the value.
  [["-fnoPat"]],
  [["--downloader", "native", "--downloader=m3u8:native"]],
  [["--no-exec", "--user-agent", "x", "--username", "x", "--no-cache-dir"]],
])("has nothing against %j", (args) => {
  expect(refusedOption(args)).toBeNull();
});
