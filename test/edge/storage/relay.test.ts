/** Parts and files of stores that nobody but the edge may reach: an Azure container known by a SAS (jobs API 11.2). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { signerOf } from "../../../edge/auth/signing.ts";
import { type RelayGrant, relayUrl } from "../../../edge/storage/relay-grant.ts";
import { flipped } from "../../flipped.ts";
import { FAKE_SAS } from "../../storage/azure/fake-sas.ts";
import { extractedInfo, PARTITION, putPart, TestNode } from "../fleet-node.ts";
import { type Account, call, newAccount, ORIGIN } from "../support.ts";
import { deliver, readJob } from "./support.ts";

const MINUTE = 60_000;

async function accountWithSas(container: string): Promise<Account> {
  const account = await newAccount();
  const body = { account_name: "studionorth", container, sas_token: FAKE_SAS };
  const answer = await account.api("POST", "/user/blob", body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return account;
}

/** A path and query on this Worker. */
function here(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

it("a job's file goes into the container and comes out of it through the edge, and the SAS goes nowhere else", async () => {
  const account = await accountWithSas("relay-one");
  const job = await deliver(account, "the bytes of a talk");
  expect(job.files.map((file) => file.key)).toEqual(["videos/A talk.mp4"]);
  expect(new URL(job.s3_url ?? "").origin).toBe(ORIGIN);
  const whole = await call(here(job.s3_url ?? ""));
  expect(await whole.text()).toBe("the bytes of a talk");
  const part = await call(here(job.s3_url ?? ""), { headers: { range: "bytes=4-8" } });
  expect([part.status, await part.text()]).toEqual([206, "bytes"]);
  expect(JSON.stringify(job)).not.toContain("secret-of-the-customers-sas");
  // Another configuration, and the file is out of reach.
  expect((await account.api("DELETE", "/user/blob")).status).toBe(200);
  expect((await readJob(account, job.id)).s3_url).toBeNull();
});

describe("a relayed part", () => {
  async function running() {
    const account = await accountWithSas("relay-two");
    await account.createJob();
    const node = await TestNode.online(account);
    const job = await node.take();
    const extracted = await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
    const { tickets } = extracted.body as { tickets: { upload_id: string; digest: string; urls: { url: string }[] }[] };
    const [ticket] = tickets;
    expect(JSON.stringify(extracted.body)).not.toContain("secret-of-the-customers-sas");
    expect(extracted.body).not.toHaveProperty("tickets.0.guarded");
    const grant: RelayGrant = {
      partition: PARTITION,
      job: job.job,
      uploadId: ticket?.upload_id ?? "",
      part: 1,
      max: 100,
      until: Date.now() + MINUTE,
    };
    return { node, job, grant, url: ticket?.urls[0]?.url ?? "", digest: ticket?.digest };
  }

  async function send(grant: RelayGrant, bytes: string): Promise<number> {
    const response = await putPart(await relayUrl(signerOf(env), ORIGIN, grant), bytes);
    await response.body?.cancel();
    return response.status;
  }

  it("is taken under its own grant only: signed, not too late, not too long, of a live upload", async () => {
    const { node, job, grant, url } = await running();
    expect(await send(grant, "some bytes")).toBe(200);
    expect(await send({ ...grant, until: Date.now() - 1 }, "some bytes")).toBe(403);
    expect(await send({ ...grant, max: 9 }, "some bytes")).toBe(413);
    expect(await send({ ...grant, uploadId: "1.1~ffffffffffffffffffffffffffffffff" }, "some bytes")).toBe(404);
    const [body, signature] = new URL(url).pathname.split("/").at(-1)?.split(".") ?? [];
    const forged = await call(`/_store/r/${body}.${flipped(signature ?? "")}`, { method: "PUT", body: "x" });
    expect(forged.status).toBe(403);
    // The attempt is given back: its grants are worth nothing any more.
    await node.job(job, "release");
    expect(await send(grant, "some bytes")).toBe(404);
  });

  it("is refused when its bytes are not those that the node hashed, or it has not said what they are", async () => {
    const { url, digest } = await running();
    expect(digest).toBe("content-md5");
    const told = { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" };
    const answer = await call(here(url), { method: "PUT", body: "some bytes", headers: told });
    expect([answer.status, await answer.json()]).toEqual([400, { error: "Md5Mismatch" }]);
    const untold = await call(here(url), { method: "PUT", body: "some bytes" });
    expect([untold.status, await untold.json()]).toEqual([400, { error: "MissingRequiredHeader" }]);
    const honest = await putPart(url, "some bytes", digest);
    expect([honest.status, await honest.text()]).toEqual([200, ""]);
  });

  it("under a grant of an edge that asked for no digest is taken without", async () => {
    const { grant } = await running();
    expect(await send(grant, "some bytes")).toBe(200);
  });
});
