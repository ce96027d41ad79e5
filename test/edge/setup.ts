/** Setup file of the `edge` project: every test file starts on a database with all migrations. */
import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env as WorkerEnv } from "../../edge/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[];
      /** A service account that the fake Google Cloud Storage knows. */
      TEST_GCS_ACCOUNT: string;
      /** `test/openapi/check-schemas.ts`. */
      SCHEMAS: Fetcher;
    }
    interface GlobalProps {
      mainModule: typeof import("../../edge/index.ts");
    }
  }
}

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
