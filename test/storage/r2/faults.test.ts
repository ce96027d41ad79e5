/** What the R2 binding's refusals mean: it throws, with a number at the end of the text. */
import { describe, expect, it } from "vitest";
import { type R2Binding, r2Store } from "../../../edge/storage/r2/r2.ts";
import { intentFor } from "../uploading.ts";

const ROWS = [
  ["a missing bucket", "The specified bucket does not exist. (10006)", "NoSuchBucket", "for good"],
  ["a binding without the right", "Access denied. (10003)", "AccessDenied", "for good"],
  ["throttling", "Reduce your concurrent request rate for the same object. (10058)", "TooManyRequests", "for a while"],
  ["trouble of its own", "We encountered an internal error. Please try again. (10001)", "InternalError", "for a while"],
  ["a broken connection", "Network connection lost.", "InternalError", "for a while"],
] as const;

/** Every call of it fails so. */
function broken(text: string): R2Binding {
  const fail = () => Promise.reject(new Error(text));
  const upload = { uploadId: "u", uploadPart: fail, complete: fail, abort: fail };
  return {
    put: fail,
    delete: fail,
    head: fail,
    get: fail,
    createMultipartUpload: fail,
    resumeMultipartUpload: () => upload,
  };
}

describe.each(ROWS)("R2 by its binding, %s", (_, text, code, meaning) => {
  const store = r2Store(broken(`get: ${text}`));
  const fault = meaning === "for good" ? "permanent" : "unavailable";

  it("is told by its code, and whether a repeat can help", async () => {
    const signal = AbortSignal.timeout(10_000);
    expect(await store.verify({ key: "probe.txt", signal })).toEqual({ ok: false, code });
    await expect(store.begin(intentFor("a.mp4", 10))).rejects.toMatchObject({ code, fault });
    await expect(store.read("a.mp4", null, null)).rejects.toMatchObject({ code, fault });
    await expect(store.delete("a.mp4", "e")).rejects.toMatchObject({ code, fault });
  });

  it("of a commit and of an abort likewise", async () => {
    const intent = intentFor("a.mp4", 10);
    const uploadId = `${intent.token}~${"0".repeat(32)}~u`;
    const request = { ...intent, uploadId, size: 10, sha256: "0".repeat(64), parts: [] };
    expect(await store.commit(request)).toEqual(
      meaning === "for good" ? { kind: "refused", code, permanent: true } : { kind: "unavailable", code },
    );
    await expect(store.abort(uploadId, "a.mp4")).rejects.toMatchObject({ code, fault });
  });
});
