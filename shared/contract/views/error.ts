/** The one envelope of every error (jobs API 1.2). */
import { z } from "zod";
import { list, text } from "./fields.ts";

export const ErrorBody = z
  .object({
    error: text("What is wrong, for a human; the texts are part of the contract"),
    field: text("Validation errors: path of the first bad field, as `jobs[3].url`").optional(),
    details: list(
      z.object({
        field: text("Path of the field; empty for a rule of the whole body"),
        message: text("What is wrong with it"),
      }),
      "Validation errors: all bad fields, in the order of the documentation",
    ).optional(),
  })
  .meta({
    id: "Error",
    description: "Body of every error.",
    examples: [
      {
        error: "clip_end must be greater than clip_start",
        field: "clip_end",
        details: [{ field: "clip_end", message: "clip_end must be greater than clip_start" }],
      },
    ],
  });

export const QuotaBody = z
  .object({
    error: z.literal("Storage quota exceeded").describe("Always this text"),
    limit_gb: text("Limit of the key in GiB: text with two decimals"),
    used_gb: text("Used and reserved storage in GiB: text with two decimals"),
    message: text("Both as a sentence"),
  })
  .meta({
    id: "QuotaError",
    description: "Body of a 403 on creates whose key has reached its storage limit.",
    examples: [
      {
        error: "Storage quota exceeded",
        limit_gb: "1024.00",
        used_gb: "1024.00",
        message: "This API key has a 1024 GB limit and has used 1024.00 GB",
      },
    ],
  });
