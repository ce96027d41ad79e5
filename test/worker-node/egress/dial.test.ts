import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dial } from "../../../worker-node/egress/dial.ts";
import { type EgressOptions, resolveEgress } from "../../../worker-node/egress/policy.ts";
import { resolveChecked } from "../../../worker-node/egress/resolve.ts";
import { fakeLookup, type Origin, startEcho } from "./harness.ts";

let echo: Origin;
beforeEach(async () => {
  echo = await startEcho();
});
afterEach(async () => {
  await echo.close();
});

async function reasonFor(host: string, port: number, options: EgressOptions = {}): Promise<string> {
  try {
    const socket = await dial({ host, port }, resolveEgress(options));
    socket.destroy();
    await once(socket, "close");
    return "connected";
  } catch (error) {
    return error instanceof Error && "reason" in error ? String(error.reason) : String(error);
  }
}

describe("the egress guard", () => {
  it.each([
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "::1",
    "::ffff:127.0.0.1",
    "localhost",
    "0.0.0.0",
    "0",
    "10.0.0.1",
  ])("refuses the literal %s", async (host) => {
    expect(await reasonFor(host, echo.port)).toBe("private");
  });

  it("refuses a name that leads to a private address, also among public ones", async () => {
    const lookup = fakeLookup({
      "evil.example": ["127.0.0.1"],
      "mixed.example": ["93.184.216.34", "10.0.0.1"],
      "six.example": ["::ffff:7f00:1"],
    });
    for (const host of ["evil.example", "mixed.example", "six.example"]) {
      expect(await reasonFor(host, echo.port, { lookup })).toBe("private");
    }
  });

  it("asks the resolver once and dials what it checked: a name that changes its mind gains nothing", async () => {
    const answers = [["127.0.0.1"], ["169.254.169.254"]];
    let calls = 0;
    const lookup = async () => (answers[calls++] ?? []).map((address) => ({ address, family: 4 as const }));
    const socket = await dial(
      { host: "rebinding.example", port: echo.port },
      resolveEgress({ allowPrivate: true, lookup }),
    );
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
    await once(socket, "close");
    expect(calls).toBe(1);
  });

  it("asks no resolver about literals", async () => {
    const lookup = fakeLookup({});
    expect(await reasonFor("127.1", echo.port, { allowPrivate: true, lookup })).toBe("connected");
    expect(lookup.calls).toEqual([]);
  });

  it("tries the other addresses of a name when one does not answer", async () => {
    const lookup = fakeLookup({ "two.example": ["::1", "127.0.0.1"] });
    expect(await reasonFor("two.example", echo.port, { allowPrivate: true, lookup })).toBe("connected");
  });

  it("opens private addresses on request, but never metadata or link-local ones", async () => {
    const lookup = fakeLookup({ "meta.example": ["169.254.169.254"], "six.example": ["fd00:ec2::254"] });
    const options = { allowPrivate: true, lookup };
    expect(await reasonFor("127.0.0.1", echo.port, options)).toBe("connected");
    for (const host of [
      "169.254.169.254",
      "0xa9fea9fe",
      "[::ffff:a9fe:a9fe]",
      "meta.example",
      "six.example",
      "fe80::1",
    ]) {
      expect(await reasonFor(host, 80, options), host).toBe("private");
    }
  });

  it("opens the hosts that the operator vouches for, on their port alone if one is named", async () => {
    const lookup = fakeLookup({ "minio.internal": ["127.0.0.1"] });
    const allowHosts = [`minio.internal:${echo.port}`];
    expect(await reasonFor("minio.internal", echo.port, { allowHosts, lookup })).toBe("connected");
    expect(await reasonFor("minio.internal", 1, { allowHosts, lookup })).toBe("private");
    expect(await reasonFor("127.0.0.1", echo.port, { allowHosts, lookup })).toBe("private");
  });

  it("refuses our own ports on every address of this machine, even when private ones are allowed", async () => {
    const lookup = fakeLookup({ "me.example": ["127.0.0.2"] });
    const options = { allowPrivate: true, ownPorts: new Set([echo.port]), lookup };
    const mine = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
    const routable = mine.filter((address) => !address.startsWith("fe80") && !address.startsWith("169.254"));
    for (const host of ["127.0.0.1", "127.8.8.8", "::ffff:127.0.0.1", "localhost.", "me.example", ...routable]) {
      const names =
        host === "localhost."
          ? { ...options, lookup: fakeLookup({ localhost: ["127.0.0.1"], "localhost.": ["127.0.0.1"] }) }
          : options;
      expect(await reasonFor(host, echo.port, names), host).toBe("own-port");
    }
  });

  it("tells unresolvable and unreachable apart", async () => {
    const lookup = fakeLookup({ "empty.example": [] });
    expect(await reasonFor("nowhere.example", 80, { lookup })).toBe("unresolvable");
    expect(await reasonFor("empty.example", 80, { lookup })).toBe("unresolvable");
    const { port } = echo;
    await echo.close();
    expect(await reasonFor("127.0.0.1", port, { allowPrivate: true })).toBe("unreachable");
    echo = await startEcho();
  });

  it("does not dial for who has left", async () => {
    const lookup = fakeLookup({ "a.example": ["127.0.0.1"] });
    const left = AbortSignal.abort();
    const dialling = dial({ host: "a.example", port: echo.port }, resolveEgress({ allowPrivate: true, lookup }), {
      signal: left,
    });
    await expect(dialling).rejects.toMatchObject({ reason: "closed" });
  });

  it("calls nonsense invalid", async () => {
    for (const host of ["", "a b", "a/b", "a@b", "[::1"]) {
      await expect(resolveChecked({ host, port: 80 }, resolveEgress()), host).rejects.toMatchObject({
        name: "EgressError",
      });
    }
  });
});
