/**
 * An upload's id as the partition and the node know it: `<token>~<nonce>~<the server's id>`. A server forgets an upload
 * when it completes, so what the object tells of itself (metadata `trawl-upload`, the nonce) must be known before it
 * begins; and a commit is held against the token without asking anybody.
 */
export interface BucketUploadId {
  token: string;
  /** Drawn for this upload alone. */
  nonce: string;
  server: string;
}

const FORM = /^([0-9.]{1,64})~([0-9a-f]{32})~(.+)$/s;

export function formatUploadId({ token, nonce, server }: BucketUploadId): string {
  return `${token}~${nonce}~${server}`;
}

export function parseUploadId(text: string): BucketUploadId | null {
  const [, token, nonce, server] = FORM.exec(text) ?? [];
  return token === undefined || nonce === undefined || server === undefined ? null : { token, nonce, server };
}
