import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import worker from "../../../edge/index.ts";
import { runSteps } from "../../../edge/sweep/step.ts";
import { newAccount } from "../support.ts";
import { delivered, isStored, keptLog, partitionsAway, withDays } from "./support.ts";

it("a step that fails is told in one line, and those after it run", async () => {
  const { log, lines } = keptLog();
  const order: string[] = [];
  const step = (name: string, run: () => Promise<Record<string, number>>) => ({
    name,
    run: () => {
      order.push(name);
      return run();
    },
  });
  await runSteps(
    [
      step("quiet", async () => ({ gone: 0 })),
      step("broken", async () => {
        throw new Error("D1 is away");
      }),
      step("busy", async () => ({ gone: 3, failed: 0 })),
    ],
    log,
  );
  expect(order).toEqual(["quiet", "broken", "busy"]);
  expect(lines).toEqual([
    ["error sweep.failed", { step: "broken", error: "Error: D1 is away" }],
    ["info sweep.ran", { step: "busy", gone: 3, failed: 0 }],
  ]);
});

async function cron(changes: Parameters<typeof withDays>[0]): Promise<string[]> {
  const lines: string[] = [];
  const spy = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  try {
    const context = createExecutionContext();
    await worker.scheduled(createScheduledController(), withDays({ TRAWL_LOG: "info", ...changes }), context);
    await waitOnExecutionContext(context);
  } finally {
    spy.mockRestore();
  }
  return lines.map((line) => {
    const { event, step } = JSON.parse(line) as { event: string; step?: string };
    return step === undefined ? event : `${event} ${step}`;
  });
}

it("the cron trigger runs them all: partitions that are away keep no file from going", async () => {
  const account = await newAccount();
  const file = await delivered(account, "the bytes");
  await env.DB.prepare("UPDATE files SET created_at = 1 WHERE file_id = ?").bind(file.fileId).run();
  const lines = await cron({ TRAWL_RETENTION_DAYS: "7", PARTITION: partitionsAway });
  expect(lines).toContain("partition.call_failed");
  expect(lines).toContain("sweep.ran files");
  expect(await isStored(file.storeKey)).toBe(false);
});

it("a store that is not there fails the steps that want it alone", async () => {
  await env.DB.prepare("UPDATE files SET erase_at = 1, deleted_at = NULL").run();
  expect(await cron({ TRAWL_STORE: "nonsense" })).toEqual(["sweep.failed files", "sweep.failed tree"]);
});
