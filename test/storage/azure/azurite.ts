/** Azurite, Microsoft's own emulator: it checks Shared Key and SAS as Azure does. */
import { BlobServiceClient, ContainerSASPermissions, StorageSharedKeyCredential } from "@azure/storage-blob";
import { azureStore } from "../../../edge/storage/azure/azure.ts";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { EdgeRelay } from "../peers/edge-relay.ts";
import { network } from "../peers/open-bucket.ts";
import { type ServerProcess, startServer } from "../peers/server-process.ts";
import type { StoreUnderTest } from "../uploading.ts";

export const ACCOUNT = "studionorth";
export const ACCOUNT_KEY = Buffer.alloc(64, 11).toString("base64");

const HOUR = 3_600_000;
const ARGS = ["--blobPort", "0", "--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"];

export interface Azurite {
  /** Base URL of the account, path style. */
  serviceUrl: string;
  /** The library's own client, with the account's key. */
  client: BlobServiceClient;
  close(): Promise<void>;
}

export async function startAzurite(): Promise<Azurite> {
  const env = { AZURITE_ACCOUNTS: `${ACCOUNT}:${ACCOUNT_KEY}` };
  const server: ServerProcess = await startServer("azurite-blob", ARGS, /listens on (http:\S+)/, env);
  const serviceUrl = `${server.address}/${ACCOUNT}`;
  const client = new BlobServiceClient(serviceUrl, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY));
  return { serviceUrl, client, close: server.close };
}

export function configFor(container: string): StorageOf<"blob"> {
  return { provider: "blob", account_name: ACCOUNT, container, account_key: ACCOUNT_KEY };
}

let containers = 0;

/** A store on an empty container. */
export async function openAzure(azurite: Azurite): Promise<StoreUnderTest & { container: string }> {
  const container = `videos-${++containers}`;
  const client = azurite.client.getContainerClient(container);
  await client.create();
  return {
    container,
    store: azureStore(configFor(container), network(), azurite.serviceUrl),
    origin: "http://localhost:8080",
    async putForeign(key, bytes) {
      await client.getBlockBlobClient(key).uploadData(bytes as Uint8Array<ArrayBuffer>);
    },
    countUploads: async () => 0,
    async close() {
      await client.delete();
    },
  };
}

/** An account whose containers are known by a customer's SAS: parts pass through the edge. */
export interface AzureBySas {
  /** On an empty container. */
  open(): Promise<StoreUnderTest>;
  /** Azurite is the caller's, and stays. */
  stop(): Promise<void>;
}

export async function startAzureBySas(azurite: Azurite): Promise<AzureBySas> {
  const relay = await EdgeRelay.start({ storageAt: azurite.serviceUrl });
  return {
    async open() {
      const opened = await openAzure(azurite);
      const storage = {
        ...configFor(opened.container),
        account_key: undefined,
        sas_token: await sasOf(azurite, opened.container),
      };
      return {
        ...opened,
        store: azureStore(storage, network(), azurite.serviceUrl),
        origin: relay.origin,
        relay: (uploadId, key, part) => relay.url({ uploadId, key, part }, { storage }),
      };
    },
    stop: () => relay.close(),
  };
}

/** What a customer would make for us: all rights to one container, for an hour. */
export async function sasOf(azurite: Azurite, container: string): Promise<string> {
  const url = await azurite.client.getContainerClient(container).generateSasUrl({
    permissions: ContainerSASPermissions.parse("rcwdl"),
    expiresOn: new Date(Date.now() + HOUR),
  });
  return new URL(url).search.slice(1);
}
