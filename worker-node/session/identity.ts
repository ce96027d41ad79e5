/** Who this node is: an Ed25519 key pair that never leaves the data folder, and the id that the edge gave for it. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { FLEET_BASE, RegisterAnswer, sessionChallenge } from "../../shared/contract/fleet.ts";
import { postFleet } from "../fleet/http.ts";

const FILE_NAME = "identity.json";

const Stored = z.object({
  /** PKCS #8, PEM. */
  private_key: z.string(),
  /** Raw, base64url. */
  public_key: z.string(),
  name: z.string(),
  node_id: z.uuid().nullable(),
});
type Stored = z.infer<typeof Stored>;

export class NotEnrolled extends Error {
  override readonly name = "NotEnrolled";
}

export interface Identity {
  nodeId: string;
  name: string;
  /** Ed25519 over the session challenge, base64url. */
  sign(nonce: string): string;
}

export interface IdentityOptions {
  dataDir: string;
  edge: string;
  /** Enrolment token; needed the first time only. */
  token: string | null;
  name: string;
  signal: AbortSignal;
}

/**
 * Loads the identity, enrolling first if the edge does not know it yet. The key pair is written before it is sent, so a
 * lost answer is repaired by asking again with the same key.
 *
 * @throws NotEnrolled without a token, FleetError when the edge refuses.
 */
export async function loadIdentity(options: IdentityOptions): Promise<Identity> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const stored = readStored(options.dataDir) ?? createStored(options);
  const nodeId = stored.node_id ?? (await enrol(options, stored));
  const key = createPrivateKey(stored.private_key);
  return {
    nodeId,
    name: stored.name,
    sign: (nonce) => signNonce(key, nodeId, nonce),
  };
}

function signNonce(key: KeyObject, nodeId: string, nonce: string): string {
  return sign(null, Buffer.from(sessionChallenge(nodeId, nonce)), key).toString("base64url");
}

function readStored(dataDir: string): Stored | null {
  const path = join(dataDir, FILE_NAME);
  return existsSync(path) ? Stored.parse(JSON.parse(readFileSync(path, "utf8"))) : null;
}

function createStored(options: IdentityOptions): Stored {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" });
  if (x === undefined) throw new Error("the key pair has no public part");
  const stored: Stored = {
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    public_key: x,
    name: options.name,
    node_id: null,
  };
  writeStored(options.dataDir, stored);
  return stored;
}

function writeStored(dataDir: string, stored: Stored): void {
  const path = join(dataDir, FILE_NAME);
  writeFileSync(`${path}.new`, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

async function enrol(options: IdentityOptions, stored: Stored): Promise<string> {
  if (options.token === null) {
    throw new NotEnrolled("This node is not enrolled yet: get a token with `trawl enrol` and pass it with --token");
  }
  const answer = await postFleet({
    edge: options.edge,
    path: `${FLEET_BASE}/register`,
    body: { enrolment: options.token, public_key: stored.public_key, name: stored.name },
    answer: RegisterAnswer,
    sessionKey: null,
    signal: options.signal,
  });
  writeStored(options.dataDir, { ...stored, node_id: answer.node_id });
  return answer.node_id;
}
