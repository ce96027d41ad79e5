/**
 * Where a bucket's server says that the bucket is: `x-amz-bucket-region` or `<Region>`, and `<Endpoint>`, beside a refusal. It is
 * told to the bucket's owner and never followed (docs/decisions/131), so all that is asked of it is to look like what it is.
 */
import { elementText } from "../../../shared/element-text.ts";
import type { ToldPlace } from "../port.ts";

const REGION = /^[a-z0-9][a-z0-9-]{0,39}$/;
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/;

/** Null: it says nothing of that. */
export function toldPlace(headers: Headers, body: string): ToldPlace | null {
  const region = matching(REGION, headers.get("x-amz-bucket-region") ?? elementText(body, "Region"));
  const endpoint = matching(HOST, elementText(body, "Endpoint"));
  return region === null && endpoint === null ? null : { region, endpoint };
}

function matching(form: RegExp, text: string | null): string | null {
  return text !== null && form.test(text) ? text : null;
}
