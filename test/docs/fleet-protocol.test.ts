import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import * as calls from "../../shared/contract/calls.ts";
import { FAILURE_CLASSES } from "../../shared/contract/failures.ts";
import * as fleet from "../../shared/contract/fleet.ts";
import type { JobOptions } from "../../shared/contract/options.ts";

const contract = { ...fleet, ...calls };

const PAGE = readFileSync(new URL("../../docs/fleet-protocol.md", import.meta.url), "utf8");
const EXAMPLE = /<!-- (\w+) -->\n```json\n([\s\S]+?)\n```/g;
const examples = [...PAGE.matchAll(EXAMPLE)].map(([, schema = "", json = ""]) => ({ schema, json }));

test.each(examples)("the page's example of $schema is one", ({ schema, json }) => {
  const found = contract[schema as keyof typeof contract];
  expect(found, `${schema} is exported by the contract`).toBeInstanceOf(z.ZodType);
  const value: unknown = JSON.parse(json);
  const parsed = (found as unknown as z.ZodType).safeParse(value);
  expect(parsed.error?.issues ?? []).toEqual([]);
  // Every key of the example is known to the schema: zod drops the others.
  if (schema !== "LeaseAnswer") expect(parsed.data).toEqual(value);
});

test("every message of the contract has an example or stands in the table of calls", () => {
  const shown = new Set(examples.map(({ schema }) => schema));
  const inTable = ["ConfirmRequest", "StepRequest", "ReleaseRequest", "CompleteAnswer"];
  const messages = Object.keys(contract).filter((name) => /(Request|Answer|Frame)$/.test(name));
  expect(messages.filter((name) => !shown.has(name) && !inTable.includes(name))).toEqual([]);
});

test("the classes of failures that a node may name stand in the page, and no other", () => {
  const table = /^\| class \|[^\n]*\n\| --- [^\n]*\n([\s\S]+?)\n\n/m.exec(PAGE)?.[1] ?? "";
  const named = table
    .split("\n")
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name));
  // The edge itself ends attempts by these.
  const ours = ["lost", "quota", "cancelled"];
  expect(named.toSorted()).toEqual(FAILURE_CLASSES.filter((name) => !ours.includes(name)).toSorted());
});

test("every error code of the contract stands in the page", () => {
  for (const code of fleet.FLEET_ERRORS) expect(PAGE).toContain(`\`${code}\``);
});

test("every option that a lease may carry stands in the page", () => {
  const options: Record<keyof JobOptions, true> = {
    format: true,
    video_codec: true,
    audio_codec: true,
    audio_codec_explicit: true,
    audio_bitrate: true,
    video_quality: true,
    quality_preset: true,
    max_resolution: true,
    asked_resolution: true,
    audio_only: true,
    download_subtitles: true,
    download_thumbnail: true,
    clip_start: true,
    clip_end: true,
    clip_start_seconds: true,
    clip_end_seconds: true,
    live_recording: true,
    live_from_start: true,
    max_duration: true,
    wait_for_video: true,
    enable_progress_webhook: true,
    playlist: true,
    playlist_limit: true,
    subtitle_languages: true,
    embed_metadata: true,
    format_id: true,
    hold_children: true,
    info_json: true,
    media_url: true,
    library: true,
    limits: true,
  };
  for (const name of Object.keys(options)) expect(PAGE).toContain(`\`${name}\``);
});
