/** The node's session against a faulty edge: what is repeated, what is renewed, what is the end. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FleetError } from "../../../worker-node/fleet/fleet-error.ts";
import type { Fault } from "./fake-edge.ts";
import { newSession, startEdge } from "./harness.ts";

const Any = z.object({ state: z.string() });
const never = (): AbortSignal => new AbortController().signal;
const EXPIRED: Fault = { status: 401, error: "session_expired" };
const FENCED: Fault = { status: 409, error: "session_fenced" };

describe("opening", () => {
  it("signs the edge's nonce, and is done once however many ask", async () => {
    const edge = await startEdge();
    const { session } = newSession(edge);
    const [one, two] = await Promise.all([session.get(), session.get()]);
    expect(one).toBe(two);
    expect(await session.get()).toBe(one);
    expect(edge.calls.map((call) => call.name)).toEqual(["challenge", "sessions"]);
    expect(edge.named("sessions")[0]?.body).toMatchObject({
      resume: null,
      slots: { download: 2, live: 4 },
      signature: expect.stringMatching(/^[A-Za-z0-9_-]{86}$/),
    });
  });

  it.each<[string, "challenge" | "sessions", Fault]>([
    ["cut", "challenge", "refused"],
    ["lost", "sessions", "lost"],
    ["of another shape", "challenge", "garbage"],
    ["503", "sessions", { status: 503, error: "rebuilding" }],
    ["500 with a page of another server", "sessions", { status: 502, error: "<html>" }],
    ["401, because the nonce was too old", "sessions", EXPIRED],
  ])("is repeated when an answer is %s", async (_, name, fault) => {
    const edge = await startEdge();
    edge.fail(name, fault);
    const { session, final } = newSession(edge);
    await session.get();
    expect(edge.named("challenge")).toHaveLength(2);
    expect(final).toEqual([]);
  });

  it("waits as long as Retry-After says", async () => {
    const edge = await startEdge();
    edge.fail("challenge", { status: 503, error: "unavailable", retryAfter: "1" });
    const began = performance.now();
    await newSession(edge).session.get();
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
  });

  it("of a revoked node is the end: told once, not repeated", async () => {
    const edge = await startEdge();
    edge.fail("sessions", { status: 403, error: "node_revoked" });
    const { session, final } = newSession(edge);
    await expect(session.get()).rejects.toMatchObject({ code: "node_revoked" });
    expect(final).toHaveLength(1);
    expect(edge.named("sessions")).toHaveLength(1);
  });

  it("ends at once when the node stops, though the edge is away", async () => {
    const edge = await startEdge();
    edge.fail("challenge", ...Array<Fault>(50).fill("refused"));
    const { session, stop } = newSession(edge);
    const opening = session.get();
    await edge.nth("challenge", 2);
    stop();
    await expect(opening).rejects.toThrow("the test is over");
  });
});

describe("a call", () => {
  it.each<[string, Fault]>([
    ["was cut", "refused"],
    ["got lost", "lost"],
    ["has another shape", "garbage"],
    ["is 503 rebuilding", { status: 503, error: "rebuilding" }],
    ["is 503 unavailable", { status: 503, error: "unavailable" }],
    ["is a 429 of somebody on the way", { status: 429, error: "slow down" }],
    ["is a 502 of a proxy", { status: 502, error: "bad gateway" }],
  ])("whose answer %s is repeated with the same body", async (_, fault) => {
    const edge = await startEdge();
    edge.fail("confirm", fault, fault);
    const { session } = newSession(edge);
    await expect(session.call("/x/confirm", { token: "1.1" }, Any, never())).resolves.toEqual({ state: "running" });
    expect(edge.named("confirm").map((call) => call.body)).toEqual(Array(3).fill({ token: "1.1" }));
  });

  it.each<[number, string]>([
    [409, "lease_lost"],
    [404, "not_found"],
    [400, "bad_request"],
    [403, "enrolment_invalid"],
    [418, "teapot"],
  ])("that is refused with %d %s is not repeated", async (status, error) => {
    const edge = await startEdge();
    edge.fail("confirm", { status, error });
    const { session, final } = newSession(edge);
    const code = error === "teapot" ? "bad_request" : error;
    await expect(session.call("/x/confirm", {}, Any, never())).rejects.toMatchObject({ code });
    expect(edge.named("confirm")).toHaveLength(1);
    expect(final).toEqual([]);
  });

  it("that meets an expired session renews it in between, keeping its number, and goes on", async () => {
    const edge = await startEdge();
    const { session } = newSession(edge);
    const first = await session.get();
    edge.fail("confirm", EXPIRED);
    await expect(session.call("/x/confirm", {}, Any, never())).resolves.toEqual({ state: "running" });
    expect(edge.named("sessions").map((call) => call.body.resume)).toEqual([null, first.session]);
    const [before, after] = edge.named("confirm");
    expect(before?.sessionKey).toBe(first.session_key);
    expect(after?.sessionKey).not.toBe(first.session_key);
    expect((await session.get()).session).toBe(first.session);
  });

  it("of many that meet an expired session at once: it is renewed once", async () => {
    const edge = await startEdge();
    const { session } = newSession(edge);
    await session.get();
    edge.fail("confirm", EXPIRED, EXPIRED, EXPIRED);
    await Promise.all([1, 2, 3].map(() => session.call("/x/confirm", {}, Any, never())));
    expect(edge.named("sessions")).toHaveLength(2);
    expect(edge.named("confirm")).toHaveLength(6);
    expect(edge.session).toBe(1);
  });

  it("that is refused as expired even with a fresh key gives up instead of going round", async () => {
    const edge = await startEdge();
    const { session } = newSession(edge);
    edge.fail("confirm", EXPIRED, EXPIRED, EXPIRED);
    await expect(session.call("/x/confirm", {}, Any, never())).rejects.toMatchObject({ code: "session_expired" });
    expect(edge.named("confirm")).toHaveLength(2);
  });

  it("renews a key before it ends, when a fifth of its life is left", async () => {
    const edge = await startEdge();
    edge.expiresInMs = 100;
    const { session } = newSession(edge);
    await session.get();
    const began = performance.now();
    while (edge.named("sessions").length < 2) await session.call("/x/confirm", {}, Any, never());
    expect(performance.now() - began).toBeLessThan(100 * 3);
    expect(edge.named("confirm").every((call) => call.sessionKey?.startsWith("1."))).toBe(true);
  });

  it("that is fenced is the end of this process, and is told so", async () => {
    const edge = await startEdge();
    edge.fail("confirm", FENCED);
    const { session, final } = newSession(edge);
    await expect(session.call("/x/confirm", {}, Any, never())).rejects.toBeInstanceOf(FleetError);
    expect(final.map((error) => error.code)).toEqual(["session_fenced"]);
  });

  it("ends with its signal while the session is still being opened, and leaves that to the others", async () => {
    const edge = await startEdge();
    edge.fail("challenge", "refused", "refused");
    const { session } = newSession(edge);
    const abort = new AbortController();
    const call = session.call("/x/confirm", {}, Any, abort.signal);
    await edge.nth("challenge");
    abort.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    expect(edge.named("sessions")).toEqual([]);
    expect((await session.get()).session).toBe(1);
  });

  it("ends with its signal, while it waits and while it hangs", async () => {
    const edge = await startEdge();
    const { session } = newSession(edge);
    for (const fault of ["hang", "refused"] as const) {
      edge.fail("confirm", fault);
      const before = edge.named("confirm").length;
      const abort = new AbortController();
      const call = session.call("/x/confirm", {}, Any, abort.signal);
      await edge.nth("confirm", before + 1);
      abort.abort(new Error("enough"));
      await expect(call).rejects.toThrow("enough");
    }
  });
});
