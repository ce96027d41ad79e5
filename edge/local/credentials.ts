import { randomBytes, randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { HostError } from "./host-error.ts";
import { writePrivate } from "./write-private.ts";

/** What one installation keeps secret, and where it was last reached. */
export const CredentialsSchema = z.object({
  url: z.string().nullable(),
  api_key: z.string(),
  admin_token: z.string(),
  secret: z.string(),
  kek: z.string(),
  store_secret: z.string(),
});
export type Credentials = z.infer<typeof CredentialsSchema>;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 30 characters of 62 are 178 bits. */
const TOKEN_LENGTH = 30;

/**
 * Reads the credentials of a data folder, or makes them, and puts what the environment presets in their place.
 *
 * All are on disk before any is used. The API key too is made here, not by the edge: a crash between its creation and
 * its file would otherwise leave a key that nobody knows. Presets are not written back: removing the variable brings
 * the folder's own secret back, except for the API key and the admin token, which the CLI reads from the file.
 */
export async function loadCredentials(
  path: string,
  env: NodeJS.ProcessEnv,
): Promise<{ credentials: Credentials; isNew: boolean }> {
  const stored = await readCredentials(path);
  const kept: Credentials = {
    ...(stored ?? makeCredentials()),
    ...(env.TRAWL_API_KEY ? { api_key: env.TRAWL_API_KEY } : {}),
    ...(env.TRAWL_ADMIN_TOKEN ? { admin_token: env.TRAWL_ADMIN_TOKEN } : {}),
  };
  await saveCredentials(path, kept);
  return {
    credentials: { ...kept, secret: env.TRAWL_SECRET || kept.secret, kek: env.TRAWL_KEK || kept.kek },
    isNew: stored === null,
  };
}

/**
 * The stored credentials, or null where there are none yet.
 *
 * @throws HostError `bad_option` if the file is there but damaged: new secrets would make stored ones unreadable
 */
export async function readCredentials(path: string): Promise<Credentials | null> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return CredentialsSchema.parse(JSON.parse(text));
  } catch {
    throw new HostError("bad_option", `${path} is damaged; restore it, or remove the whole data folder to start anew`);
  }
}

/** Writes the file, for its owner's eyes alone. */
export async function saveCredentials(path: string, credentials: Credentials): Promise<void> {
  await writePrivate(path, `${JSON.stringify(credentials, null, 2)}\n`);
}

function makeCredentials(): Credentials {
  return {
    url: null,
    api_key: `sk_${randomToken()}`,
    admin_token: `adm_${randomToken()}`,
    secret: randomBytes(32).toString("base64"),
    kek: `k1:${randomBytes(32).toString("base64")}`,
    store_secret: randomBytes(32).toString("base64"),
  };
}

function randomToken(): string {
  return Array.from({ length: TOKEN_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}
