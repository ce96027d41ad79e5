/** `GET /admin/jobs/{id}`: any job, its attempts, and nothing that works as a credential. */
import { describe, expect, it, vi } from "vitest";
import { redactText, redactUrl, withoutQuery } from "../../../edge/redact.ts";
import { TestNode } from "../fleet-node.ts";
import { admin, newAccount } from "../support.ts";

interface History {
  status: string;
  attempts: Record<string, unknown>[];
}

const read = (id: string) => admin<History>("GET", `/admin/jobs/${id}`);

describe("GET /admin/jobs/{id}", () => {
  it("tells a job that waits, whoever it belongs to", async () => {
    const account = await newAccount();
    const id = await account.createJob({ folder: "talks", priority: 3, tags: ["region=eu"] });
    const answer = await read(id);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id,
      account_id: account.id,
      key_id: account.keyId,
      url: "https://media.example.com/v1",
      status: "Pending",
      step: "Queued",
      state: "queued",
      folder: "talks",
      priority: 3,
      tags: ["region=eu"],
      attempts: [],
      files: [],
    });
  });

  it("has each attempt with node, begin, end and outcome, and how far the running one is", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    const id = await account.createJob({ filename: crypto.randomUUID() });
    const first = await node.take();
    await node.job(first, "release");
    const second = await node.take();
    await node.job(second, "step", { step: "download" });
    const running = (await read(id)).body;
    expect(running).toMatchObject({ status: "Processing", step: "Downloading", node_id: "fra-07" });
    expect(running.attempts).toEqual([
      {
        token: first.token,
        node: "fra-07",
        began: expect.any(Number),
        ended: expect.any(Number),
        outcome: "released",
        error: null,
      },
      { token: second.token, node: "fra-07", began: expect.any(Number), ended: null, outcome: null, error: null },
    ]);
    await node.deliver(second, "bytes of a talk");
    await vi.waitFor(async () => expect((await read(id)).body.status).toBe("Completed"));
    const over = (await read(id)).body;
    expect(over.attempts[1]).toMatchObject({ outcome: "completed", ended: expect.any(Number) });
    expect(over).toMatchObject({ files: [{ kind: "media", size: 15, deleted_at: null }] });
  });

  it("shows the error of a failed one", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    const id = await account.createJob();
    const job = await node.take();
    await node.job(job, "fail", { class: "removed", message: "Gone", retry_after_seconds: null, permanent: false });
    expect((await read(id)).body).toMatchObject({
      status: "Warning",
      error: "Gone",
      error_class: "removed",
      attempts: [{ outcome: "removed", error: "Gone" }],
    });
  });

  it("hides what works as a credential: idempotency key, the webhook's query, secrets in the URL", async () => {
    const account = await newAccount();
    const hidden = ["idem-7f3a", "hook-secret-1", "url-token-2", "user-pass-3"];
    const answer = await account.api<{ job_id: string }>(
      "POST",
      "/jobs",
      {
        url: "https://anna:user-pass-3@media.example.com/v1?token=url-token-2&t=10",
        webhook_url: "https://hooks.example.com/in?key=hook-secret-1",
      },
      { "x-idempotency-key": "idem-7f3a" },
    );
    expect(answer.status).toBe(201);
    const { body } = await admin<Record<string, unknown>>("GET", `/admin/jobs/${answer.body.job_id}`);
    expect(body.webhook_url).toBe("https://hooks.example.com/in");
    expect(body.url).toBe("https://media.example.com/v1?token=***&t=10");
    for (const secret of hidden) expect(JSON.stringify(body)).not.toContain(secret);
    expect(body).not.toHaveProperty("sealed");
  });
});

describe("the redactor", () => {
  it.each([
    ["https://a.example/v?id=7", "https://a.example/v?id=7"],
    ["https://a.example/v?apikey=x1&id=7", "https://a.example/v?apikey=***&id=7"],
    [
      "https://a.example/v?X-Amz-Signature=9f&X-Amz-Credential=AK",
      "https://a.example/v?X-Amz-Signature=***&X-Amz-Credential=***",
    ],
    ["https://a.example/v?sv=1&sig=9f", "https://a.example/v?sv=1&sig=***"],
    ["https://anna:pw@a.example/", "https://a.example/"],
    ["no url, sk_abcdefgh", "no url, sk_***"],
  ])("%s becomes %s", (url, redacted) => {
    expect(redactUrl(url)).toBe(redacted);
  });

  it("finds keys, secrets and presigned URLs inside a text", () => {
    expect(redactText("PUT https://u:p@s3.example/o?partNumber=1&X-Amz-Signature=9f2c failed")).toBe(
      "PUT https://s3.example/o?partNumber=1&X-Amz-Signature=*** failed",
    );
    expect(redactText("used whsec_AAECAwQFBgcICQ== and sk_0123456789")).toBe("used whsec_*** and sk_***");
    expect(redactText("Video is private")).toBe("Video is private");
  });

  it("leaves nothing of an address that is none", () => {
    expect(withoutQuery("https://u:p@h.example:81/a/b?x=1#y")).toBe("https://h.example:81/a/b");
    expect(withoutQuery("nonsense?key=1")).toBe("");
  });
});
