import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { newWebhookSecret, signatureHeaders } from "../../edge/courier/sign.ts";

/** The test vector of jobs API 8.3. */
const SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ID = "01a2310c-2428-78d0-9738-f7d93d9c1724";
const BODY =
  '{"type":"progress","job_id":"01a2310c-0100-726b-b2a7-4de452e6b438","stage":"muxing","progress_percent":33}';

test("the test vector of jobs API 8.3", async () => {
  expect(await signatureHeaders({ secret: SECRET, id: ID, timestamp: 1796119209, body: BODY })).toEqual({
    "X-Tornado-Signature": "t=1796119209,v1=712c1b9a86416f761525efb3797eba2716db87c346e323cc2ea2cb8de338bef8",
    "webhook-id": "01a2310c-2428-78d0-9738-f7d93d9c1724",
    "webhook-timestamp": "1796119209",
    "webhook-signature": "v1,Fp9rFqHuhbi9WGe9hTIOWeF0oUkjRTP0BAZJQd3R8Zk=",
  });
});

test.each([BODY, '{"title":"Ünïcode 🎬"}', ""])("an HMAC of another make agrees about %j", async (body) => {
  const secret = newWebhookSecret();
  const timestamp = 1796119209;
  const headers = await signatureHeaders({ secret, id: ID, timestamp, body });
  // The documented scheme: the whole secret as UTF-8, `whsec_` included.
  const hex = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  expect(headers["X-Tornado-Signature"]).toBe(`t=${timestamp},v1=${hex}`);
  // Standard Webhooks: the bytes decoded from the base64 after `whsec_`.
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const base64 = createHmac("sha256", key).update(`${ID}.${timestamp}.${body}`).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${base64}`);
});

test("the standardwebhooks package verifies it, and refuses a changed body, id and secret", async () => {
  const secret = newWebhookSecret();
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = await signatureHeaders({ secret, id: ID, timestamp, body: BODY });
  expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY));
  expect(() => new Webhook(secret).verify(`${BODY} `, headers)).toThrow("No matching signature found");
  expect(() => new Webhook(secret).verify(BODY, { ...headers, "webhook-id": "other" })).toThrow(
    "No matching signature",
  );
  expect(() => new Webhook(newWebhookSecret()).verify(BODY, headers)).toThrow("No matching signature found");
});

test("a secret is `whsec_` + base64 of 32 random bytes", () => {
  const secret = newWebhookSecret();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(Buffer.from(secret.slice(6), "base64")).toHaveLength(32);
  expect(newWebhookSecret()).not.toBe(secret);
});
