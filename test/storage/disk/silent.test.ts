/** A file service that has stopped answering: each control call ends by itself, and says that a repeat may help. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { diskStore } from "../../../edge/storage/disk.ts";
import { intentFor } from "../uploading.ts";

/** Takes every call and never answers; `body`: the head comes, and nothing after it. */
function silent(how: "nothing" | "body") {
  const asked: string[] = [];
  const fetch = (url: string, init?: RequestInit): Promise<Response> => {
    asked.push(url);
    const aborted = new Promise<never>((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
    if (how === "nothing") return aborted;
    const body = new ReadableStream({ start: (controller) => void aborted.catch((error) => controller.error(error)) });
    return Promise.resolve(new Response(body, { status: 200 }));
  };
  return { asked, store: diskStore({ service: { fetch }, secret: "s", serviceUrl: "http://127.0.0.1:9" }) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const SECOND = 1_000;
const request = { ...intentFor("a.mp4", 10), size: 10, uploadId: "u", sha256: "0".repeat(64), parts: [] };
const away = { code: "timeout", fault: "unavailable" };

describe.each(["nothing", "body"] as const)("when %s comes", (how) => {
  it.each<[string, number, (store: ReturnType<typeof silent>["store"]) => Promise<unknown>]>([
    ["begin", 15, (store) => store.begin(intentFor("a.mp4", 10))],
    ["head", 15, (store) => store.head("a.mp4")],
    ["delete", 15, (store) => store.delete("a.mp4", "e")],
    ["sweep", 15, (store) => store.sweep(0)],
  ])("%s ends after %i s", async (_, seconds, call) => {
    const { store } = silent(how);
    const outcome = call(store).catch((error: unknown) => error);
    let over = false;
    void outcome.then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync((seconds - 1) * SECOND);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(2 * SECOND);
    expect(await outcome).toMatchObject(away);
  });

  it("a commit waits two minutes for the file to be read and synced, and is asked again", async () => {
    const { store } = silent(how);
    const outcome = store.commit(request);
    await vi.advanceTimersByTimeAsync(121 * SECOND);
    expect(await outcome).toEqual({ kind: "unavailable", code: "timeout" });
  });
});

it("a read ends if its head does not come; its bytes may take as long as the reader does", async () => {
  const { store } = silent("nothing");
  const outcome = store.read("a.mp4", null, null).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(16 * SECOND);
  expect(await outcome).toMatchObject(away);
  const slow = await silent("body").store.read("a.mp4", null, null);
  const reader = slow?.getReader();
  const first = reader?.read().then(
    () => "came",
    () => "cut",
  );
  await vi.advanceTimersByTimeAsync(3_600 * SECOND);
  expect(await Promise.race([first, Promise.resolve("waits")])).toBe("waits");
});
