/**
 * The account's active storage as JSON of a `TargetRow`, for a statement in which `accounts` is called `a`; null: it
 * has none. Two reads by primary key.
 */
export const ACCOUNT_STORAGE = `(SELECT json_object('id', t.id, 'provider', t.provider, 'endpoint', t.endpoint,
  'bucket', t.bucket, 'region', t.region, 'folder_prefix', t.folder_prefix, 'base_folder', t.base_folder, 'sealed', c.sealed)
  FROM targets t JOIN target_credentials c ON c.target_id = t.id WHERE t.id = a.active_target)`;
