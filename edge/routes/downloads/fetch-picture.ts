/** A source's thumbnail, fetched on a client's behalf: a URL that a node took from a stranger's page (jobs API 1.5). */
import type { UrlPolicy } from "../../../shared/url-guard.ts";
import { fetchGuarded } from "../fetch-guarded.ts";
import { MAX_PICTURE_BYTES, pictureType, readPicture } from "./picture.ts";

/** The bytes of a picture; null for whatever else is there, or nothing. */
export async function fetchPicture(text: string, policy: UrlPolicy): Promise<Uint8Array<ArrayBuffer> | null> {
  const response = await fetchGuarded(text, policy, "image/*");
  try {
    return response === null ? null : await takePicture(response);
  } catch {
    // A broken body is no picture.
    return null;
  }
}

async function takePicture(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  const tooLong = Number(response.headers.get("content-length") ?? 0) > MAX_PICTURE_BYTES;
  if (response.status !== 200 || response.body === null || tooLong) {
    await response.body?.cancel();
    return null;
  }
  const bytes = await readPicture(response.body);
  return bytes === null || pictureType(bytes) === null ? null : bytes;
}
