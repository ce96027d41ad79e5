/**
 * Webhook signatures (jobs API 8.3): the documented `X-Tornado-Signature`, and beside it the three headers of Standard
 * Webhooks (https://www.standardwebhooks.com). They use one secret in two ways: as text, and as the bytes it encodes.
 */
import { toHex } from "../../shared/hex.ts";

const SECRET_PREFIX = "whsec_";
const SECRET_BYTES = 32;

export interface WebhookToSign {
  /** `whsec_` + base64. */
  secret: string;
  /** The delivery's id, equal at every try. */
  id: string;
  /** Epoch seconds of this try. */
  timestamp: number;
  /** The raw body. */
  body: string;
}

/** A new signing secret. */
export function newWebhookSecret(): string {
  return SECRET_PREFIX + base64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/**
 * The headers of one try.
 *
 * @example await signatureHeaders({ secret, id, timestamp: Math.floor(now / 1000), body })
 */
export async function signatureHeaders(webhook: WebhookToSign): Promise<Record<string, string>> {
  const { secret, id, timestamp, body } = webhook;
  const [tornado, standard] = await Promise.all([
    hmacSha256(new TextEncoder().encode(secret), `${timestamp}.${body}`),
    hmacSha256(secretBytes(secret), `${id}.${timestamp}.${body}`),
  ]);
  return {
    "X-Tornado-Signature": `t=${timestamp},v1=${toHex(tornado)}`,
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${base64(standard)}`,
  };
}

type Bytes = Uint8Array;

async function hmacSha256(key: Bytes, text: string): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)));
}

function secretBytes(secret: string): Bytes {
  return Uint8Array.from(atob(secret.slice(SECRET_PREFIX.length)), (character) => character.charCodeAt(0));
}

/** Standard base64, with padding: both schemes ask for it. */
function base64(bytes: Bytes): string {
  return btoa(String.fromCharCode(...bytes));
}
