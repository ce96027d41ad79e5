import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { testDir } from "../leaks.ts";
import { trawl } from "./support.ts";

// The first run of a checkout builds the Worker and makes the media.
vi.setConfig({ testTimeout: 180_000 });

test("the demo delivers a file, verifies it, says where it is, and stops all it started", async () => {
  const data = await testDir("demo");
  const outcome = await trawl(["demo"], { TRAWL_DATA: data, TRAWL_LOG: "error" });
  expect(outcome).toMatchObject({ code: 0, stderr: expect.not.stringContaining('"level":"error"') });
  expect(outcome.stdout).toContain("Delivered and verified by ffprobe: h264 1280x720, aac, 8.0 s");
  expect(outcome.stdout).toContain("curl -X POST http://127.0.0.1:8787/jobs");
  const file = join(data, "demo", "downloads", "videos", "demo", "Trawl demo.mp4");
  expect(outcome.stdout).toContain(`\n  ${file}\n`);
  expect((await stat(file)).size).toBeGreaterThan(1_000_000);
});
