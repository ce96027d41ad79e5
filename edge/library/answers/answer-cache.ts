/**
 * Answers of nodes, kept for some minutes (library API 5.4, 7.4) or as long as a yt-dlp is (5.1): rows of the account in
 * D1, compressed and sealed, under a MAC of what was asked (docs/decisions/139). What cannot be kept or opened is a miss.
 */
import { SecretBoxError, secretBoxOf } from "../../auth/secret-box.ts";
import { fromBase64Url, signerOf, toBase64Url } from "../../auth/signing.ts";
import { findAnswer, putAnswer } from "../../db/library-answers.ts";
import type { FeatureDeps } from "../features/checks.ts";

const PURPOSE = "library-answer";
/** D1 takes 2 MB a value; base64 twice makes 1.8 of a compressed byte. An info of 4 MB is a tenth of that. */
const MAX_STORED_LENGTH = 1_500_000;
/** What a row may unpack to: the largest answer of a node, and what stands around it. */
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

export interface CachedAnswer<Value> {
  value: Value;
  expiresAt: number;
}

/** @param key what was asked, in full. */
export async function readAnswer<Value>(
  { env, account }: FeatureDeps,
  key: string,
  now: number,
): Promise<CachedAnswer<Value> | null> {
  const row = await findAnswer(env.DB, account, await rowKey(env, key), now);
  if (row === null) return null;
  try {
    const packed = await secretBoxOf(env).open(row.answer, { account, purpose: PURPOSE });
    return { value: JSON.parse(await unpack(packed)) as Value, expiresAt: row.expires_at };
  } catch (error) {
    if (error instanceof SecretBoxError) return null;
    throw error;
  }
}

/** Says when it ends; it may end sooner, and without a key for secrets nothing is kept. */
export async function keepAnswer(
  { env, account }: FeatureDeps,
  key: string,
  value: unknown,
  ttlMs: number,
  now: number,
): Promise<number> {
  const expiresAt = now + ttlMs;
  try {
    const answer = await secretBoxOf(env).seal(await pack(JSON.stringify(value)), { account, purpose: PURPOSE });
    if (answer.length <= MAX_STORED_LENGTH) {
      await putAnswer(env.DB, account, await rowKey(env, key), { expires_at: expiresAt, answer });
    }
  } catch (error) {
    if (!(error instanceof SecretBoxError)) throw error;
  }
  return expiresAt;
}

function rowKey(env: FeatureDeps["env"], key: string): Promise<string> {
  return signerOf(env).sign(PURPOSE, key);
}

async function pack(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return toBase64Url(new Uint8Array(await new Response(stream).arrayBuffer()));
}

async function unpack(packed: string): Promise<string> {
  const stream = new Blob([fromBase64Url(packed) ?? new Uint8Array()]).stream();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of stream.pipeThrough(new DecompressionStream("gzip"))) {
    bytes += chunk.byteLength;
    if (bytes > MAX_UNPACKED_BYTES) throw new Error("a kept answer unpacks to more than was kept");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
