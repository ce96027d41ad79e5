/** Every adapter before the server that it is tried against, for tests that want them all. */
import { openAzure, startAzureBySas, startAzurite } from "./azure/azurite.ts";
import { openDisk } from "./disk/harness.ts";
import { openGcs } from "./gcs/open-gcs.ts";
import { openOss } from "./oss/open-oss.ts";
import { startBoundR2 } from "./r2/open-r2.ts";
import { openFakeS3 } from "./s3/harness.ts";
import { startR2 } from "./s3/r2.ts";
import { startS3rver } from "./s3/s3rver.ts";
import type { StoreUnderTest } from "./uploading.ts";

/** Opens one on a server that goes with it. */
type Open = () => Promise<StoreUnderTest>;

/** A server that serves one store and ends with it. */
function alone<Server>(
  start: () => Promise<Server>,
  open: (server: Server) => StoreUnderTest | Promise<StoreUnderTest>,
  stop: (server: Server) => Promise<void>,
): Open {
  return async () => {
    const server = await start();
    const opened = await open(server);
    const close = async () => {
      await opened.close();
      await stop(server);
    };
    return { ...opened, close };
  };
}

const s3rver = alone(
  startS3rver,
  (server) => server.open(),
  (server) => server.stop(),
);
const boundR2 = alone(
  () => startBoundR2(1),
  (server) => server.open(),
  (server) => server.stop(),
);
const r2 = alone(
  () => startR2(1),
  (server) => server.open(),
  (server) => server.stop(),
);
const azure = alone(startAzurite, openAzure, (server) => server.close());
const azureBySas = alone(
  async () => {
    const azurite = await startAzurite();
    return { azurite, bySas: await startAzureBySas(azurite) };
  },
  ({ bySas }) => bySas.open(),
  async ({ azurite, bySas }) => {
    await bySas.stop();
    await azurite.close();
  },
);

export const EVERY_ADAPTER: readonly (readonly [name: string, open: Open])[] = [
  ["the disk store", openDisk],
  ["R2 by its binding", boundR2],
  ["R2's S3 API", r2],
  ["a server of S3 in memory", openFakeS3],
  ["s3rver", s3rver],
  ["Azurite", azure],
  ["Azurite by a SAS", azureBySas],
  ["the server of Google's XML API", openGcs],
  ["the server of OSS", openOss],
];
