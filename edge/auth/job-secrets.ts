/**
 * What a client entrusts to one job (jobs API 3.1 `cookies`, 9.2 inline `storage`): one sealed record in the job's row,
 * erased with the job's end. It is bound to the account and not to the job, so that the children of a list get a copy of
 * the ciphertext inside a transaction, where nothing can be encrypted.
 */
import type { SecretBox } from "./secret-box.ts";

export interface JobSecrets extends NodeSecrets {
  /** The inline `storage` object as it was validated, credentials included. Never leaves the edge. */
  storage?: Record<string, unknown>;
}

/** What the node that runs the job is told with the confirm. */
export interface NodeSecrets {
  /** Netscape cookie text. */
  cookies?: string;
  /** The command line of a job of the library API: it may hold passwords. */
  args?: string[];
}

export const JOB_SECRETS_PURPOSE = "job-secrets";

/** The record for the job's row; null when there is nothing to keep. */
export async function sealJobSecrets(box: SecretBox, account: string, secrets: JobSecrets): Promise<string | null> {
  if (Object.values(secrets).every((secret) => secret === undefined)) return null;
  return box.seal(JSON.stringify(secrets), { account, purpose: JOB_SECRETS_PURPOSE });
}

/**
 * What {@link sealJobSecrets} kept; empty for a job without secrets.
 *
 * @throws SecretBoxError when the record does not open for this account
 */
export async function openJobSecrets(box: SecretBox, account: string, sealed: string | null): Promise<JobSecrets> {
  if (sealed === null) return {};
  return JSON.parse(await box.open(sealed, { account, purpose: JOB_SECRETS_PURPOSE })) as JobSecrets;
}

/** The part that leaves the edge. @throws SecretBoxError */
export async function openNodeSecrets(box: SecretBox, account: string, sealed: string): Promise<NodeSecrets> {
  const { cookies, args } = await openJobSecrets(box, account, sealed);
  return { ...(cookies === undefined ? {} : { cookies }), ...(args === undefined ? {} : { args }) };
}
