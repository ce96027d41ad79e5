import { afterAll, beforeAll } from "vitest";
import { azureStore } from "../../../edge/storage/azure/azure.ts";
import { type FaultRow, testFaultRows } from "../fault-rows.ts";
import { network } from "../peers/open-bucket.ts";
import { type Azurite, configFor, openAzure, startAzurite } from "./azurite.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const secret = { meaning: "for good", about: "account_key" } as const;
const away = { meaning: "for a while", about: "account_name" } as const;
// An account has one region, and its host names the account alone: there is no region to be wrong about.
const rows: FaultRow[] = [
  { what: "a missing container", status: 404, code: "ContainerNotFound", meaning: "for good", about: "container" },
  { what: "a wrong or outdated key or SAS", status: 403, code: "AuthenticationFailed", ...secret },
  { what: "a SAS without the right", status: 403, code: "AuthorizationPermissionMismatch", ...secret },
  { what: "throttling", status: 503, code: "ServerBusy", ...away },
  { what: "a timeout of its own", status: 500, code: "OperationTimedOut", ...away },
  { what: "trouble of its own", status: 500, code: "InternalError", ...away },
];

testFaultRows(
  "blob",
  async () => {
    const opened = await openAzure(azurite);
    const next: { status: number; code: string }[] = [];
    const steered = network({
      async fetch(url, init) {
        const fault = init.method === "PUT" ? next.shift() : undefined;
        if (fault === undefined) return fetch(url, init);
        const body = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>no</Message></Error>`;
        return new Response(body, { status: fault.status, headers: { "x-ms-error-code": fault.code } });
      },
    });
    return {
      ...opened,
      store: azureStore(configFor(opened.container), steered, azurite.serviceUrl),
      refuseNext: (row) => void next.push(row),
    };
  },
  rows,
);
