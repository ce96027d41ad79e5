/** A URL that a provider signed for inline storage: whoever has it has the file, so it is sealed in its row (DESIGN section 6). */
import type { SecretBox } from "./secret-box.ts";

export const FILE_URL_PURPOSE = "file-url";

export function sealFileUrl(box: SecretBox, account: string, url: string): Promise<string> {
  return box.seal(url, { account, purpose: FILE_URL_PURPOSE });
}

/** @throws SecretBoxError when the record does not open for this account */
export function openSealedFileUrl(box: SecretBox, account: string, sealed: string): Promise<string> {
  return box.open(sealed, { account, purpose: FILE_URL_PURPOSE });
}
