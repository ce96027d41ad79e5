/**
 * What the owner of a bucket can do about a provider's code: which field of the configuration it is about, and a sentence.
 * The codes themselves are told as they are (jobs API 9.2); this stands beside them in `details`.
 */
import type { Provider } from "../../shared/contract/storage.ts";
import type { ToldPlace } from "./port.ts";

type Concern = "bucket" | "region" | "route" | "secret" | "rights" | "expired" | "away";

const CONCERNS: Record<Concern, readonly string[]> = {
  bucket: ["NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "ResourceNotFound", "ContainerBeingDeleted"],
  region: ["AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidRegion", "PermanentRedirect"],
  route: ["TemporaryRedirect"],
  secret: [
    "AuthenticationFailed",
    "AuthorizationFailure",
    "InvalidAccessKeyId",
    "InvalidAuthenticationInfo",
    "InvalidServiceAccount",
    "NoAuthenticationInformation",
    "SignatureDoesNotMatch",
    "Unauthorized",
  ],
  rights: [
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationPermissionMismatch",
    "AuthorizationResourceTypeMismatch",
    "AuthorizationServiceMismatch",
    "AuthorizationSourceIPMismatch",
    "Forbidden",
    "InsufficientAccountPermissions",
  ],
  expired: ["ExpiredToken", "InvalidToken", "SecurityTokenExpired", "TokenRefreshRequired"],
  away: [
    "InternalError",
    "OperationTimedOut",
    "RequestTimeTooSkewed",
    "ServerBusy",
    "SlowDown",
    "TooManyRequests",
    "timeout",
    "unreachable",
  ],
};

const CONCERN_OF = new Map(
  Object.entries(CONCERNS).flatMap(([concern, codes]) => codes.map((code) => [code, concern as Concern] as const)),
);

const SENTENCES: Record<Concern, string> = {
  bucket: "There is no such bucket at this endpoint: create it, or correct its name",
  region: "The bucket is in another region: set the region and the endpoint that it has",
  route:
    "The way from this endpoint to the bucket is not known yet, as when it is new: send the same request again in a while, or set the region and the endpoint that it has",
  secret: "These credentials are not known there, or have run out: copy both parts of them anew, or make new ones",
  rights:
    "These credentials may not write and delete here: give them the rights that the guide names, below the prefix",
  expired: "These credentials have run out: make new ones that last",
  away: "The storage could not be reached or asks to wait: check the endpoint, then send the same request again",
};

/** The field that a concern is about, by what the provider calls it. */
const FIELDS: Record<Provider, { bucket: string; region: string; secret: string; endpoint: string }> = {
  s3: { bucket: "bucket", region: "region", secret: "secret_key", endpoint: "endpoint" },
  blob: { bucket: "container", region: "account_name", secret: "account_key", endpoint: "account_name" },
  gcs: { bucket: "bucket", region: "bucket", secret: "service_account_json", endpoint: "bucket" },
  oss: { bucket: "bucket", region: "endpoint", secret: "access_key_secret", endpoint: "endpoint" },
};

const FIELD_OF: Record<Concern, keyof (typeof FIELDS)[Provider]> = {
  bucket: "bucket",
  region: "region",
  route: "endpoint",
  secret: "secret",
  rights: "secret",
  expired: "secret",
  away: "endpoint",
};

export interface Advice {
  field: string;
  message: string;
}

/** What was tried, as far as advice is about it. */
export interface Tried {
  provider: Provider;
  /** Of Azure, where it was sent instead of an account's key. */
  sas_token?: string | undefined;
}

/**
 * Null: a code that says all there is, or none that we know.
 *
 * @param told what the store said beside the code
 */
export function adviceFor({ provider, sas_token }: Tried, code: string, told?: ToldPlace): Advice | null {
  // OSS says `AccessDenied` where it means another endpoint, and names that.
  const concern = code === "AccessDenied" && told?.endpoint ? "region" : CONCERN_OF.get(code);
  if (concern === undefined) return null;
  const fields = sas_token === undefined ? FIELDS[provider] : { ...FIELDS[provider], secret: "sas_token" };
  const place = concern === "region" || concern === "route" ? placeWords(fields, told) : "";
  return { field: fields[FIELD_OF[concern]], message: SENTENCES[concern] + place };
}

/** ` (region eu-west-1, endpoint my-videos.s3.eu-west-1.amazonaws.com)`, as far as there are such fields. */
function placeWords(fields: (typeof FIELDS)[Provider], told: ToldPlace | undefined): string {
  const { region = null, endpoint = null } = told ?? {};
  const known = [
    ...(region !== null && fields.region === "region" ? [`region ${region}`] : []),
    ...(endpoint !== null && fields.endpoint === "endpoint" ? [`endpoint ${endpoint}`] : []),
  ];
  return known.length === 0 ? "" : ` (${known.join(", ")})`;
}
