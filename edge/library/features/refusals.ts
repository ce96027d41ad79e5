/** What is said of a feature that is not there, and of a name that is taken (library API 7.1). */
import { AppError } from "../../app-error.ts";
import type { FeatureKind, Named } from "./kind.ts";

export function unknownFeature<Body extends Named>(
  kind: FeatureKind<Body>,
  id: string,
  to: "read" | "change" | "remove",
): AppError {
  const text = to === "remove" ? (kind.notFoundOnDelete ?? kind.notFound)(id) : kind.notFound(id);
  return new AppError("not_found", text);
}

export function nameTaken<Body extends Named>(
  kind: FeatureKind<Body>,
  to: "create" | "change",
  name: string,
): AppError {
  return new AppError(kind.taken[to], `${kind.title} with name '${name}' already exists.`);
}
