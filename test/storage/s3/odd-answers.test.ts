/** Servers that say the same as others in another way, and such that mean harm (DESIGN section 6). */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoreNetwork } from "../../../edge/storage/network.ts";
import { s3Store } from "../../../edge/storage/s3/s3.ts";
import { intentFor, sampleBytes, Uploading } from "../uploading.ts";
import { openFakeS3, type S3UnderTest } from "./harness.ts";

const KEY = "videos/a.mp4";
const BYTES = sampleBytes(10);
const MIB = 1_048_576;

let opened: S3UnderTest;
beforeEach(async () => {
  opened = await openFakeS3();
});
afterEach(() => opened.close());

type Change = (response: Response, request: { method: string; url: URL }) => Response | Promise<Response>;

/** The same bucket behind something that changes its answers. */
function behind(change: Change): S3UnderTest {
  const network: StoreNetwork = {
    now: Date.now,
    accepts: () => true,
    async fetch(url, init) {
      return change(await fetch(url, init), { method: init.method ?? "GET", url: new URL(url) });
    },
  };
  return { ...opened, store: s3Store(opened.config, network) };
}

async function uploaded(to: S3UnderTest) {
  const upload = await new Uploading(to, intentFor(KEY, BYTES.length)).begin();
  return upload.commitRequest(BYTES, await upload.putAll(BYTES));
}

const body = (response: Response, text: string) => {
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  return new Response(text, { status: response.status, headers });
};
const isBegin = ({ url }: { url: URL }) => url.searchParams.has("uploads");

describe("a bucket", () => {
  it.each<[string, (xml: string) => string]>([
    ["puts a prefix before every name", (xml) => xml.replace(/<(\/?)(?=\w)/g, "<$1ns2:")],
    ["tells its texts as CDATA", (xml) => xml.replace(/<UploadId>([^<]*)</, "<UploadId><![CDATA[$1]]><")],
  ])("that %s is understood", async (_, change) => {
    const odd = behind(async (response, request) =>
      request.method === "POST" ? body(response, change(await response.text())) : response,
    );
    expect(await odd.store.commit(await uploaded(odd))).toMatchObject({ kind: "committed", size: 10 });
  });

  it("whose error under a prefix comes with 200 has not joined the parts", async () => {
    const odd = behind(async (response, request) =>
      request.method === "POST" && !isBegin(request)
        ? new Response("<s:Error><s:Code>InternalError</s:Code></s:Error>")
        : response,
    );
    const request = await uploaded(odd);
    opened.fake.fail({ operation: "complete", times: 1, how: { status: 500, code: "InternalError" } });
    expect(await odd.store.commit(request)).toEqual({ kind: "unavailable", code: "InternalError" });
  });

  it.each([0, 10])("behind a proxy that leaves out lengths keeps an object of %i bytes", async (size) => {
    const odd = behind((response, { method }) => {
      if (method !== "HEAD") return response;
      const headers = new Headers(response.headers);
      headers.delete("content-length");
      return new Response(null, { status: response.status, headers });
    });
    const bytes = sampleBytes(size);
    const upload = await new Uploading(odd, intentFor(KEY, size)).begin();
    const request = upload.commitRequest(bytes, await upload.putAll(bytes));
    expect(await odd.store.commit(request)).toMatchObject({ kind: "committed", size });
    expect(await odd.store.head(KEY)).toMatchObject({ size });
  });

  it.each(["&#xffffff;", "&#xd800;"])(
    "that names the character %s gets its upload's id back as it was",
    async (text) => {
      const odd = behind((response, request) =>
        isBegin(request) ? body(response, `<R><UploadId>id${text}</UploadId></R>`) : response,
      );
      const upload = await new Uploading(odd, intentFor(KEY, 10)).begin();
      expect(new URL(await upload.url(1)).searchParams.get("uploadId")).toBe(`id${text}`);
    },
  );

  it("whose ids are longer than a node may tell is none for us, and keeps no upload", async () => {
    const odd = behind(async (response, request) =>
      isBegin(request)
        ? body(response, (await response.text()).replace("</UploadId>", `${"x".repeat(3_000)}</UploadId>`))
        : response,
    );
    await expect(odd.store.begin(intentFor(KEY, 10))).rejects.toMatchObject({ code: "UploadIdTooLong" });
  });
});

describe("an answer that does not end", () => {
  it.each<[string, number, (request: { method: string; url: URL }) => boolean, (to: S3UnderTest) => Promise<unknown>]>([
    ["to a begin", 200, isBegin, (to) => to.store.begin(intentFor(KEY, 10)).catch(() => "thrown")],
    ["of refusal", 403, isBegin, (to) => to.store.begin(intentFor(KEY, 10)).catch(() => "thrown")],
    [
      "to a completion",
      200,
      ({ method, url }) => method === "POST" && !isBegin({ url }),
      async (to) => (await to.store.commit(await uploaded(to))).kind,
    ],
  ])("%s is taken as far as it may matter, and let go of", async (_, status, which, work) => {
    let taken = 0;
    let letGo = false;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          taken += MIB;
          // A reader that wants it all gets it: the count below tells.
          if (taken > 64 * MIB) controller.close();
          else controller.enqueue(new Uint8Array(MIB).fill(120));
        },
        cancel() {
          letGo = true;
        },
      });
    const odd = behind((response, request) => (which(request) ? new Response(endless(), { status }) : response));
    expect(await work(odd)).toMatch(/thrown|committed/);
    expect([taken <= 3 * MIB, letGo]).toEqual([true, true]);
  });
});
