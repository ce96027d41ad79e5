import { AppError } from "../../../app-error.ts";
import { readSettings } from "../../../db/settings.ts";
import { urlPolicy } from "../../../env.ts";
import { fetchPicture } from "../../downloads/fetch-picture.ts";
import { pictureType } from "../../downloads/picture.ts";
import type { Endpoint } from "../../endpoint.ts";
import type { AppContext } from "../../http.ts";
import { gradient } from "./gradient.ts";

const KEPT_SECONDS = 3_600;
const MADE_AT = "X-Made-At";
const VIA = "X-Image-Via";

/** Accounts for which one is being fetched. */
const fetching = new Set<string>();

/** `GET /api/random/background`: a picture of one of the account's sites, or a gradient of our own (library API 9.9). */
export const randomBackground: Endpoint = {
  operationId: "random-background",
  method: "GET",
  path: "/api/random/background",
  summary: "A picture for the background",
  scope: "jobs:read",
  unmetered: true,
  async handler(context) {
    const { id } = context.var.caller.account;
    const key = `https://backgrounds.invalid/${id}`;
    const kept = context.req.query("force") === "true" ? undefined : await caches.default.match(key);
    if (kept !== undefined) return shown(context, kept, "HIT");
    if (fetching.has(id)) throw new AppError("rate_limited", "Too many requests.", { headers: { "Retry-After": "1" } });
    fetching.add(id);
    try {
      const made = await makeBackground(context);
      if (made === null) {
        return Response.json({ error: "failed to retrieve the random background image." }, { status: 500 });
      }
      await caches.default.put(key, made.clone());
      return shown(context, made, "MISS");
    } finally {
      fetching.delete(id);
    }
  },
};

async function makeBackground(context: AppContext): Promise<Response | null> {
  const { env, var: vars } = context;
  const { pictures_backends: backends } = await readSettings(env.DB, vars.caller.account.id);
  const backend = backends[Math.floor(Math.random() * backends.length)];
  if (backend === undefined) return keepable(gradient(Math.random), "image/svg+xml", "gradient");
  const bytes = await fetchPicture(backend, urlPolicy(env));
  const type = bytes === null ? null : pictureType(bytes);
  // The host alone: an address may hold a key.
  return bytes === null || type === null ? null : keepable(bytes, type, new URL(backend).host);
}

function keepable(bytes: BodyInit, type: string, via: string): Response {
  return new Response(bytes, {
    headers: {
      "Content-Type": type,
      "Cache-Control": `max-age=${KEPT_SECONDS}`,
      [MADE_AT]: String(Date.now()),
      [VIA]: via,
    },
  });
}

function shown(context: AppContext, made: Response, cache: "HIT" | "MISS"): Response {
  const age = Math.floor((Date.now() - Number(made.headers.get(MADE_AT) ?? 0)) / 1000);
  const left = Math.max(0, KEPT_SECONDS - age);
  const headers = {
    "Content-Type": made.headers.get("Content-Type") ?? "",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": `private, max-age=${left}`,
    "X-Cache": cache,
    "X-Cache-TTL": String(left),
    [VIA]: made.headers.get(VIA) ?? "",
  };
  return new Response(context.req.method === "HEAD" ? null : made.body, { headers });
}
