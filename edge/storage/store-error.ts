/** What an adapter throws: the store said no, or said nothing. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** The provider's code (`AccessDenied`, `NoSuchBucket`), or ours: `timeout`, `unreachable`. May be told to the client. */
  readonly code: string;
  /** Refused credentials, a missing bucket: the same call cannot succeed later (jobs API 12, class storage). */
  readonly permanent: boolean;

  constructor(code: string, permanent: boolean) {
    super(`The store answered ${code}`);
    this.code = code;
    this.permanent = permanent;
  }
}
