/** Building blocks of answers: each key with what it means, as the documentation tells it. */
import { z } from "zod";

/** UUID v7, lower case (jobs API 1.1). */
export const id = (description: string) => z.string().meta({ format: "uuid", description });
export const text = (description: string) => z.string().describe(description);
export const whole = (description: string) => z.int().nonnegative().describe(description);
export const decimal = (description: string) => z.number().describe(description);
export const flag = (description: string) => z.boolean().describe(description);
/** Epoch milliseconds. */
export const millis = (description: string) => z.int().nonnegative().describe(`${description}, epoch milliseconds`);
export const list = <Item extends z.ZodType>(item: Item, description: string) => z.array(item).describe(description);
/** One of a closed list. */
export const choice = <const Values extends readonly [string, ...string[]]>(values: Values, description: string) =>
  z.enum(values).describe(description);
/** The same, or null where it does not apply. */
export const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  z.nullable(schema).describe(`${schema.description ?? ""}; null where it does not apply`);

/** Ids of the documentation's examples. */
export const EXAMPLE_JOB = "01a2310c-0100-726b-b2a7-4de452e6b438";
export const EXAMPLE_BATCH = "01a2310c-eb60-70c6-a6a3-a4506513270e";
export const EXAMPLE_ITEMS = ["01a2310c-eb61-7893-923f-0824128b2f33", "01a2310c-eb62-7951-9d9d-c9f81818e811"] as const;
export const EXAMPLE_DELIVERY = "01a2310c-2428-78d0-9738-f7d93d9c1724";
export const EXAMPLE_URL = "https://www.youtube.com/watch?v=v1";
