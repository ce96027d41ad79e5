import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { testDir } from "../leaks.ts";

const ROOT = join(import.meta.dirname, "..", "..");

async function derive(files: Record<string, string>): Promise<string[]> {
  const folder = await testDir("apt");
  const out = join(folder, "out");
  await mkdir(out);
  const paths = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const script = join(ROOT, "scripts", "setup", "debian-sources.awk");
  execFileSync("awk", ["-v", `OUT=${out}`, "-v", "release=bookworm", "-f", script, ...paths]);
  return readdirSync(out)
    .sort()
    .map((name) => readFileSync(join(out, name), "utf8"));
}

describe("the private apt root's source", () => {
  test("comes from a one-line source, with the key that it names", async () => {
    const line =
      "deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main contrib # ours";
    expect(await derive({ "sources.list": line })).toEqual([
      "Types: deb\nURIs: http://mirror.example/debian\nSuites: @SUITE@\nComponents: main\nsigned-by: /keys/debian.gpg\n",
    ]);
  });

  test("comes from a deb822 stanza, with the key that it holds", async () => {
    const key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n";
    const stanza = `Types: deb deb-src\n# a remark\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n${key}`;
    expect(await derive({ "debian.sources": stanza })).toEqual([
      `Types: deb\nURIs: http://mirror.example/debian\nSuites: @SUITE@\nComponents: main\n${key}`,
    ]);
  });

  test("is never a third party's, a security archive, a disabled entry or a disc", async () => {
    const lines = [
      "# deb http://mirror.example/debian bookworm main",
      "deb-src http://mirror.example/debian bookworm main",
      "deb http://mirror.example/debian-security bookworm-security main",
      "deb https://vendor.example/linux/debian bookworm stable",
      "deb https://vendor.example/apt bookworm-vendor main",
      "deb cdrom:[Debian]/ bookworm main",
    ].join("\n");
    const disabled =
      "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n";
    expect(await derive({ "sources.list": lines, "off.sources": disabled })).toEqual([]);
  });
});

describe("the version comparison", () => {
  test.each([
    ["2026.07.04", "2026.07.04", true],
    ["2026.10.26", "2026.07.04", true],
    ["2026.7.5", "2026.07.04", true],
    ["2026.07.04.232812", "2026.07.04", true],
    ["2026.07.03", "2026.07.04", false],
    ["2023.03.04", "2026.07.04", false],
    ["none", "2026.07.04", false],
    ["", "2026.07.04", false],
  ])("%s is at least %s: %s", (have, want, expected) => {
    const script = `checkout=. ; . "$0"; if version_at_least "$1" "$2"; then echo true; else echo false; fi`;
    const lib = join(ROOT, "scripts", "setup", "lib.sh");
    expect(execFileSync("sh", ["-c", script, lib, have, want], { encoding: "utf8" }).trim()).toBe(String(expected));
  });
});

describe("the lock file", () => {
  interface Entry {
    optionalDependencies?: Record<string, string>;
  }
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, Entry>;
  };

  test("has an entry for every platform's package, without which npm ci refuses it", () => {
    const missing = Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages || `${parent}/node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
  });
});

test("npx trawl works in a clone that was set up, built or not", () => {
  const link = join(ROOT, "node_modules", ".bin", "trawl");
  expect(realpathSync(link)).toBe(join(ROOT, "bin", "trawl.ts"));
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  // npx puts this folder first in PATH, so that the file's own first line finds the clone's Node.
  const env = { PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}` };
  expect(execFileSync(link, ["--version"], { env, encoding: "utf8" }).trim()).toBe(version);
});
