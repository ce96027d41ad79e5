import { describe, expect, it } from "vitest";
import { checkUrl, type UrlPolicy } from "../../shared/url-guard.ts";

const STRICT: UrlPolicy = { allowPrivate: false, allowHosts: [] };
const verdict = (text: string, policy: Partial<UrlPolicy> = {}) => {
  const result = checkUrl(text, { ...STRICT, ...policy });
  return result.ok ? "ok" : result.reason;
};

describe("the URL guard", () => {
  it("lets public hosts pass and hands out the parsed URL", () => {
    expect(checkUrl("HTTPS://Example.COM/a b", STRICT)).toEqual({
      ok: true,
      url: new URL("https://example.com/a%20b"),
    });
    expect(verdict("http://8.8.8.8:8080/")).toBe("ok");
    expect(verdict("http://user:pass@[2606:4700:4700::1111]/")).toBe("ok");
    expect(verdict("https://localhost.example.com/")).toBe("ok");
  });

  it.each([
    "",
    "example.com",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:,x",
    "http://",
    "//example.com/",
    "http://exa mple/",
    "http://1.2.3.4.5/",
    "-i",
  ])("calls %j invalid", (text) => {
    expect(verdict(text)).toBe("invalid");
  });

  it("takes 4,096 characters and no more", () => {
    const base = "https://example.com/";
    expect(verdict(base + "a".repeat(4_096 - base.length))).toBe("ok");
    expect(verdict(base + "a".repeat(4_097 - base.length))).toBe("invalid");
  });

  it.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://127.0.0.1./",
    "http://①②⑦.0.0.1/",
    "http://%31%32%37.0.0.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://10.0.0.1/",
    "http://[fd00::1]/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://a.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://nas.home.arpa/",
    "http://router/",
    "http://ｌocalhost/",
    "http://public@127.0.0.1/",
  ])("calls %s private", (text) => {
    expect(verdict(text)).toBe("private");
  });

  it("opens private hosts for tests and home networks, metadata never", () => {
    for (const text of [
      "http://127.0.0.1:9000/",
      "http://nas.local/",
      "http://router/",
      "http://[::1]/",
      "http://10.0.0.1/",
    ]) {
      expect(verdict(text, { allowPrivate: true }), text).toBe("ok");
    }
    for (const text of [
      "http://169.254.169.254/",
      "http://[fd00:ec2::254]/",
      "http://2852039166/",
      "http://metadata.google.internal/",
    ]) {
      expect(verdict(text, { allowPrivate: true }), text).toBe("private");
    }
  });

  it("opens the hosts that the operator names, each with or without its port", () => {
    const allowHosts = ["minio.local:9000", "10.0.0.5", "NAS", "[::1]:80"];
    expect(verdict("http://minio.local:9000/", { allowHosts })).toBe("ok");
    expect(verdict("http://minio.local:9001/", { allowHosts })).toBe("private");
    expect(verdict("http://10.0.0.5:1234/", { allowHosts })).toBe("ok");
    expect(verdict("http://nas/", { allowHosts })).toBe("ok");
    expect(verdict("http://[::1]/", { allowHosts })).toBe("ok");
    expect(verdict("http://[::1]:81/", { allowHosts })).toBe("private");
    expect(verdict("http://169.254.169.254/", { allowHosts: ["169.254.169.254"] })).toBe("private");
  });
});
