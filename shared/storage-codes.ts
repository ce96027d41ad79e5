/** What storage providers say of credentials, of rights and of what they are for: no later try with the same ones can succeed. */

/** S3 and its kin. */
export const BUCKET_REFUSED_FOR_GOOD: ReadonlySet<string> = new Set([
  "AccessDenied",
  "AccountProblem",
  "AllAccessDisabled",
  "AuthorizationHeaderMalformed",
  "ExpiredToken",
  "Forbidden",
  "IllegalLocationConstraintException",
  "InvalidAccessKeyId",
  "InvalidBucketName",
  "InvalidRegion",
  "InvalidToken",
  "KeyTooLongError",
  "MethodNotAllowed",
  "NoSuchBucket",
  "PermanentRedirect",
  "SecurityTokenExpired",
  "SignatureDoesNotMatch",
  "TokenRefreshRequired",
  "Unauthorized",
]);

export const AZURE_REFUSED_FOR_GOOD: ReadonlySet<string> = new Set([
  "AccountIsDisabled",
  "AuthenticationFailed",
  "AuthorizationFailure",
  "AuthorizationPermissionMismatch",
  "AuthorizationProtocolMismatch",
  "AuthorizationResourceTypeMismatch",
  "AuthorizationServiceMismatch",
  "AuthorizationSourceIPMismatch",
  "ContainerNotFound",
  "InsufficientAccountPermissions",
  "InvalidAuthenticationInfo",
  "NoAuthenticationInformation",
  "PublicAccessNotPermitted",
  "ResourceNotFound",
]);
