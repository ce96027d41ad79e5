/** Google's XML API: V4 signatures are checked with the account's public key over a canonical request written from the docs. */
import { createHash, createPublicKey, generateKeyPairSync, verify as verifyRsa } from "node:crypto";
import type { Family, Heard } from "../peers/bucket-server.ts";

export const BUCKET = "my-videos";
export const EMAIL = "uploader@studio-north.iam.gserviceaccount.com";
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicKey = createPublicKey(privateKey);
const MAX_SKEW_MS = 15 * 60_000;

export const SERVICE_ACCOUNT = JSON.stringify({
  type: "service_account",
  project_id: "studio-north",
  private_key_id: "0123456789abcdef",
  private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  client_email: EMAIL,
});

export const gcsFamily: Family = {
  verify,
  metaPrefix: "x-goog-meta-",
  forbidsOverwrite: (headers) => headers["x-goog-if-generation-match"] === "0",
  taken: { status: 412, code: "PreconditionFailed" },
  unchanged: (headers, object) =>
    headers["x-goog-if-generation-match"] === undefined ||
    headers["x-goog-if-generation-match"] === String(object.generation),
  describe: (object) => ({ "x-goog-generation": String(object.generation) }),
};

interface Claims {
  credential: string;
  date: string;
  expires: number | null;
  signedHeaders: string;
  signature: string;
}

function claimsOf({ query, headers }: Heard): Claims | null {
  if (query.has("X-Goog-Signature")) {
    return {
      credential: query.get("X-Goog-Credential") ?? "",
      date: query.get("X-Goog-Date") ?? "",
      expires: Number(query.get("X-Goog-Expires")),
      signedHeaders: query.get("X-Goog-SignedHeaders") ?? "",
      signature: query.get("X-Goog-Signature") ?? "",
    };
  }
  const found = /^GOOG4-RSA-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]+)$/.exec(
    headers.authorization ?? "",
  );
  if (found === null) return null;
  const [, credential = "", signedHeaders = "", signature = ""] = found;
  return { credential, date: String(headers["x-goog-date"]), expires: null, signedHeaders, signature };
}

function verify(request: Heard, now: number): string | null {
  const claims = claimsOf(request);
  if (claims === null) return "AccessDenied";
  const [email, ...scope] = claims.credential.split("/");
  if (email !== EMAIL) return "AccessDenied";
  const at = Date.parse(claims.date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (claims.expires !== null && now > at + claims.expires * 1000) return "ExpiredToken";
  if (Math.abs(now - at) > MAX_SKEW_MS) return "RequestTimeTooSkewed";
  const [path = "", rawQuery = ""] = request.target.split("?");
  const query = rawQuery
    .split("&")
    .filter((pair) => pair !== "" && !pair.startsWith("X-Goog-Signature="))
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .sort()
    .join("&");
  const headers = claims.signedHeaders
    .split(";")
    .map((name) => {
      const value = String(request.headers[name] ?? "");
      // Google's library signs the bare host.
      return `${name}:${name === "host" && claims.expires !== null ? value.replace(/:\d+$/, "") : value}\n`;
    })
    .join("");
  // Everything of Google's that is sent must be signed.
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith("x-goog-") && !claims.signedHeaders.split(";").includes(name),
  );
  if (unsigned.length > 0) return "MalformedSecurityHeader";
  const payload = String(request.headers["x-goog-content-sha256"] ?? "UNSIGNED-PAYLOAD");
  const canonical = [request.method, path, query, headers, claims.signedHeaders, payload].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  const text = ["GOOG4-RSA-SHA256", claims.date, scope.join("/"), hash].join("\n");
  const good = verifyRsa("sha256", Buffer.from(text), publicKey, Buffer.from(claims.signature, "hex"));
  return good ? null : "SignatureDoesNotMatch";
}
