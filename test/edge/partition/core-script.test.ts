/** The core on the storage of a real Durable Object does what it does on `node:sqlite`, command by command. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { durableSql } from "../../../edge/partition/durable-sql.ts";
import { runScript } from "../../partition/script.ts";
import hashes from "../../partition/script-hashes.json" with { type: "json" };

it.each(Object.entries(hashes))("gives the recorded hash for seed %s", async (seed, recorded) => {
  // Any object with SQLite storage of its own; the event stream keeps nothing there.
  const stub = env.EVENT_STREAM.getByName(`script-${seed}`);
  const hash = await runInDurableObject(stub, (_, state) => runScript(durableSql(state.storage), Number(seed)));
  expect(hash).toBe(recorded);
});
