import { unstable_readConfig } from "wrangler";

/** What `wrangler.toml` says of where the Worker goes. */
export interface Target {
  /** The file that said so, absolute: the clone's own, or one that its operator keeps beside it. */
  config: string;
  worker: string;
  database: { binding: string; name: string; id: string };
  /** Of managed files, where no keys of R2's S3 API are given. */
  bucket: string;
}

/** @throws Error when the file lacks one of them, or is not there. */
export function readTarget(config: string): Target {
  const { name, d1_databases, r2_buckets } = unstable_readConfig({ config });
  const [database] = d1_databases;
  const [bucket] = r2_buckets;
  if (name === undefined || database?.database_name === undefined || bucket?.bucket_name === undefined) {
    throw new Error(`${config} must name the Worker, its D1 database and its R2 bucket`);
  }
  return {
    config,
    worker: name,
    database: { binding: database.binding, name: database.database_name, id: database.database_id ?? "" },
    bucket: bucket.bucket_name,
  };
}
