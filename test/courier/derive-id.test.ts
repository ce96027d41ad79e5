import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { deriveId } from "../../edge/courier/derive-id.ts";
import { isUuid } from "../../shared/ids.ts";

const JOB = { subject: "01a2310c-0100-726b-b2a7-4de452e6b438", createdAt: 1_796_119_200_000 };

test("an id is a UUID v7 of the job's time; its other bits are SHA-256 of job, type and stage", async () => {
  const id = await deriveId({ ...JOB, type: "progress", stage: "muxing" });
  expect(isUuid(id)).toBe(true);
  const hex = id.replaceAll("-", "");
  expect(Number.parseInt(hex.slice(0, 12), 16)).toBe(JOB.createdAt);
  expect(hex[12]).toBe("7");
  const digest = createHash("sha256").update(`${JOB.subject}\nprogress\nmuxing`).digest("hex");
  // Version and variant lie over the digest's first 4 and, after 16 bits, next 2 bits.
  expect(hex.slice(13, 16)).toBe(digest.slice(1, 4));
  expect(hex.slice(17, 32)).toBe(digest.slice(5, 20));
});

test("the same event has the same id, any other event another", async () => {
  const wishes = [
    { ...JOB, type: "job_completed" },
    { ...JOB, type: "job_failed" },
    { ...JOB, type: "progress", stage: "downloading" },
    { ...JOB, type: "progress", stage: "completed" },
    { ...JOB, subject: "01a2310c-eb60-70c6-a6a3-a4506513270e", type: "job_completed" },
  ];
  const ids = await Promise.all(wishes.map(deriveId));
  expect(new Set(ids).size).toBe(wishes.length);
  expect(await Promise.all(wishes.map(deriveId))).toEqual(ids);
});
