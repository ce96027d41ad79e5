/** Requests that nobody should send: the answers stay documented, and what is refused changes nothing. */
import { expect, it } from "vitest";
import { fuzz, openFuzz } from "./run.ts";

/** With the repeats of the refused ones about 2,000 requests. */
const REQUESTS = 1_100;
const SEED = 20_261_123;

it("generated requests get a success or a documented refusal, and refused ones leave every table as it was", async () => {
  const refused = await fuzz(await openFuzz(), REQUESTS, SEED);
  expect(refused).toBeGreaterThan(REQUESTS / 2);
}, 120_000);
