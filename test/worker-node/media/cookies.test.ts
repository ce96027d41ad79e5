import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCookies } from "../../../shared/netscape-cookies.ts";
import { guardedFetch } from "../../../worker-node/egress/fetch.ts";
import { cookieHeader, writeCookies } from "../../../worker-node/media/cookies.ts";
import { startOrigin } from "../../origin/server.ts";

const line = (
  domain: string,
  name: string,
  more: Partial<Record<"sub" | "path" | "secure" | "expires", string>> = {},
) => [domain, more.sub ?? "FALSE", more.path ?? "/", more.secure ?? "FALSE", more.expires ?? "0", name, "v"].join("\t");
const NOW = 1_800_000_000_000;
const sent = (text: string, url: string) => cookieHeader(parseCookies(text).cookies, url, NOW);

describe("cookieHeader", () => {
  it.each([
    ["its own host", line("a.example", "x"), "http://a.example/p", "x=v"],
    ["no subdomain, without the flag", line("a.example", "x"), "http://b.a.example/", null],
    ["subdomains, with the flag", line("a.example", "x", { sub: "TRUE" }), "http://b.a.example/", "x=v"],
    ["subdomains, with the dot", line(".a.example", "x"), "http://b.a.example/", "x=v"],
    ["not a host that only ends alike", line(".a.example", "x"), "http://evila.example/", null],
    ["not the domain above", line(".b.a.example", "x"), "http://a.example/", null],
    ["a port of the host", line("127.0.0.1", "x"), "http://127.0.0.1:8080/", "x=v"],
    ["its path and what is below it", line("a.example", "x", { path: "/in" }), "http://a.example/in/deep", "x=v"],
    ["not a path that only begins alike", line("a.example", "x", { path: "/in" }), "http://a.example/inside", null],
    ["https alone, if it says so", line("a.example", "x", { secure: "TRUE" }), "http://a.example/", null],
    ["https, if it says so", line("a.example", "x", { secure: "TRUE" }), "https://a.example/", "x=v"],
    ["nobody once it has run out", line("a.example", "x", { expires: "1799999999" }), "http://a.example/", null],
    ["a host in any case", line("A.Example", "x"), "http://a.EXAMPLE/", "x=v"],
    ["#HttpOnly_ ones too", `#HttpOnly_${line(".a.example", "x")}`, "http://a.example/", "x=v"],
  ])("sends a cookie to %s", (_title, text, url, expected) => {
    expect(sent(text, url)).toBe(expected);
  });

  it("puts the longer path first, and all of them in one header", () => {
    const text = [line("a.example", "short"), line("a.example", "long", { path: "/in" })].join("\n");
    expect(sent(text, "http://a.example/in/")).toBe("long=v; short=v");
  });
});

describe("our own requests", () => {
  it("carry the cookies of each hop's own host, and of no other", async () => {
    const origin = await startOrigin();
    const cookies = parseCookies(
      `127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\topen\nlocalhost\tFALSE\t/\tFALSE\t0\tother\t1`,
    ).cookies;
    const guarded = guardedFetch({ allowPrivate: true }, (url) => cookieHeader(cookies, url));
    const there = encodeURIComponent(`http://localhost:${origin.port}/pages/plain`);
    await (await guarded.fetch(`${origin.url}/redirect-to?url=${there}&code=302`)).body?.cancel();
    await (await guarded.fetch(`${origin.url}/pages/plain`)).body?.cancel();
    expect(origin.requests.map((request) => request.headers.cookie)).toEqual([
      "session=open",
      "other=1",
      "session=open",
    ]);
    await guarded.close();
    await origin.close();
  });
});

describe("the file of an attempt", () => {
  it("is for its owner's eyes, and says the same however the text was written", async () => {
    const dir = mkdtempSync(join(tmpdir(), "trawl-cookies-"));
    const path = await writeCookies(dir, `#HttpOnly_.A.example\tFALSE\t/\tTRUE\t1800000000.5\tx\ta=b\r\nnonsense\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toBe(
      "# Netscape HTTP Cookie File\n.a.example\tTRUE\t/\tTRUE\t1800000000\tx\ta=b\n",
    );
    rmSync(dir, { recursive: true });
  });
});
