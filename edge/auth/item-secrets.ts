/** An item's command line and cookies (library API 3.1): both may hold passwords, so they are sealed at rest. */
import { ITEM_PURPOSE } from "../db/items.ts";
import { type ItemSecrets, NO_SECRETS } from "../library/items/facts.ts";
import { type SecretBox, SecretBoxError } from "./secret-box.ts";

/** Null when there is nothing to keep. */
export async function sealItemSecrets(box: SecretBox, account: string, secrets: ItemSecrets): Promise<string | null> {
  if (secrets.cli === "" && secrets.cookies === "") return null;
  return box.seal(JSON.stringify(secrets), { account, purpose: ITEM_PURPOSE });
}

/** Under a key that the operator has lost they are as good as none: the item is shown all the same. */
export async function openItemSecrets(box: SecretBox, account: string, sealed: string | null): Promise<ItemSecrets> {
  if (sealed === null) return NO_SECRETS;
  try {
    return JSON.parse(await box.open(sealed, { account, purpose: ITEM_PURPOSE })) as ItemSecrets;
  } catch (error) {
    if (error instanceof SecretBoxError) return NO_SECRETS;
    throw error;
  }
}
