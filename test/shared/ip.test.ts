import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AddressClass, classifyAddress, isForbiddenAddress, isLoopbackAddress } from "../../shared/ip.ts";
import { parseAddress, parseIPv4, parseIPv6 } from "../../shared/ip-parse.ts";

const byte = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(byte, byte, byte, byte);
const ipv6Pieces = fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 8, maxLength: 8 });

/** One spelling of a number. */
const spelled = (value: number, form: number) =>
  form === 0 ? String(value) : form === 1 ? `0x${value.toString(16).toUpperCase()}` : `0${value.toString(8)}`;

describe("IPv4 text", () => {
  it("means the same four bytes in every spelling", () => {
    const forms = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2));
    fc.assert(
      fc.property(ipv4, forms, fc.integer({ min: 1, max: 4 }), fc.boolean(), (bytes, form, pieces, dot) => {
        const [a, b, c, d] = bytes;
        const numbers = [
          [((a * 256 + b) * 256 + c) * 256 + d],
          [a, (b * 256 + c) * 256 + d],
          [a, b, c * 256 + d],
          [a, b, c, d],
        ][pieces - 1];
        const text =
          (numbers ?? []).map((number, index) => spelled(number, form[index] ?? 0)).join(".") + (dot ? "." : "");
        expect(parseIPv4(text)).toEqual(bytes);
      }),
    );
  });

  it("is read as the URL standard reads it", () => {
    fc.assert(
      fc.property(ipv4, fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)), (bytes, form) => {
        const text = bytes.map((value, index) => spelled(value, form[index] ?? 0)).join(".");
        expect(parseIPv4(text)?.join(".")).toBe(new URL(`http://${text}/`).hostname);
      }),
    );
  });

  it.each([
    "",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.256.1",
    "08.1.1.1",
    "1..2",
    "a.b.c.d",
    "0xg",
    "4294967296",
    "-1",
    "1e3",
    " 1",
    "1.2.3.4/8",
  ])("is not %j", (text) => {
    expect(parseIPv4(text)).toBeNull();
  });
});

describe("IPv6 text", () => {
  it("means the same bytes as the URL standard's shortest form", () => {
    fc.assert(
      fc.property(ipv6Pieces, (pieces) => {
        const text = pieces.map((piece) => piece.toString(16)).join(":");
        const bytes = pieces.flatMap((piece) => [piece >> 8, piece & 255]);
        expect(parseIPv6(text)).toEqual(bytes);
        expect(parseIPv6(new URL(`http://[${text}]/`).hostname)).toEqual(bytes);
        expect(parseIPv6(`${text}%eth0`)).toEqual(bytes);
      }),
    );
  });

  it("is accepted exactly when the URL standard accepts it", () => {
    const piece = fc.constantFrom("0", "1", "ffff", "abc", "", "::", "1.2.3.4", "12345", "1.2.3", "g");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const text = pieces.join(":").replace(/:{3,}/g, "::");
        expect(parseIPv6(text) !== null).toBe(URL.canParse(`http://[${text}]/`));
      }),
      { numRuns: 2_000 },
    );
  });

  it("carries IPv4 in its tail", () => {
    fc.assert(
      fc.property(ipv4, (bytes) => {
        expect(parseIPv6(`::ffff:${bytes.join(".")}`)?.slice(12)).toEqual(bytes);
      }),
    );
  });
});

const hex = (bytes: readonly number[]) => bytes.map((value) => value.toString(16).padStart(2, "0")).join("");
const pair = (bytes: readonly number[]) => `${hex(bytes.slice(0, 2))}:${hex(bytes.slice(2, 4))}`;

describe("the class of an address", () => {
  it.each<[string, AddressClass]>([
    ["8.8.8.8", "public"],
    ["1.1.1.1", "public"],
    ["172.15.255.255", "public"],
    ["172.32.0.0", "public"],
    ["100.63.255.255", "public"],
    ["223.255.255.255", "public"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "reserved"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["169.254.1.1", "link-local"],
    ["169.254.169.254", "metadata"],
    ["169.254.170.2", "metadata"],
    ["100.100.100.200", "metadata"],
    ["168.63.129.16", "metadata"],
    ["100.64.0.1", "cgnat"],
    ["100.127.255.255", "cgnat"],
    ["192.0.2.1", "documentation"],
    ["198.51.100.7", "documentation"],
    ["203.0.113.9", "documentation"],
    ["198.19.255.255", "reserved"],
    ["224.0.0.251", "multicast"],
    ["239.255.255.255", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "reserved"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["fd00:ec2::254", "metadata"],
    ["fd12:3456::1", "private"],
    ["fc00::1", "private"],
    ["fe80::1%eth0", "link-local"],
    ["febf::1", "link-local"],
    ["fec0::1", "private"],
    ["ff02::1", "multicast"],
    ["2001:db8::1", "documentation"],
    ["2606:4700:4700::1111", "public"],
    ["2a00:1450:4001::8a", "public"],
    ["4000::1", "reserved"],
    ["64:ff9b:1::7f00:1", "reserved"],
    ["::ffff:8.8.8.8", "public"],
    ["64:ff9b::8.8.8.8", "public"],
    ["fe80::5efe:8.8.8.8", "link-local"],
    ["2606:4700::5efe:10.0.0.1", "private"],
    ["2001:0:4136:e378:8000:63bf:f7f7:f7f7", "reserved"],
  ])("%s is %s", (text, expected) => {
    const bytes = parseAddress(text);
    expect(bytes && classifyAddress(bytes)).toBe(expected);
  });

  it("of IPv6 that carries IPv4 is never milder than what it carries", () => {
    fc.assert(
      fc.property(ipv4, (bytes) => {
        const plain = isForbiddenAddress(bytes);
        const strict = isForbiddenAddress(bytes, { allowPrivate: true });
        const inverted = bytes.map((value) => value ^ 255);
        const carriers = [
          `::ffff:${pair(bytes)}`,
          `::ffff:0:${pair(bytes)}`,
          `64:ff9b::${pair(bytes)}`,
          `2002:${pair(bytes)}::1`,
          `2001:0:808:808::${pair(inverted)}`,
          `2001:0:${pair(bytes)}::f7f7:f7f7`,
          `2606:4700::200:5efe:${pair(bytes)}`,
        ];
        for (const text of carriers) {
          if (plain) expect(isForbiddenAddress(text), text).toBe(true);
          if (strict) expect(isForbiddenAddress(text, { allowPrivate: true }), text).toBe(true);
        }
      }),
    );
  });
});

describe("the guard", () => {
  it.each([
    "127.1",
    "0x7f000001",
    "017700000001",
    "2130706433",
    "[::1]",
    "::ffff:127.0.0.1",
    "localhost",
    "",
    "example.com",
  ])("forbids %j", (text) => {
    expect(isForbiddenAddress(text)).toBe(true);
  });

  it("opens private addresses on request, metadata and link-local never", () => {
    for (const text of ["127.0.0.1", "10.1.2.3", "192.168.0.1", "fd12::1", "::1", "100.64.1.1"]) {
      expect(isForbiddenAddress(text, { allowPrivate: true }), text).toBe(false);
    }
    for (const text of [
      "169.254.169.254",
      "169.254.1.1",
      "fd00:ec2::254",
      "::ffff:a9fe:a9fe",
      "2002:a9fe:a9fe::",
      "fe80::1",
      "0.0.0.0",
    ]) {
      expect(isForbiddenAddress(text, { allowPrivate: true }), text).toBe(true);
    }
  });

  it("knows this host in any wrapping", () => {
    for (const text of ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]) {
      expect(isLoopbackAddress(text), text).toBe(true);
    }
    expect(isLoopbackAddress("10.0.0.1")).toBe(false);
  });
});
