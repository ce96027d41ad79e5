/** Submissions become jobs (library API 3.4): all that come together, or none. */

import { featureTag, LIBRARY_RUN } from "../../../../shared/contract/fleet.ts";
import type { JobOptions } from "../../../../shared/contract/options.ts";
import { MAX_COOKIES_BYTES, parseCookies } from "../../../../shared/netscape-cookies.ts";
import { AppError, type AppErrorExtras, unavailable } from "../../../app-error.ts";
import { sealItemSecrets } from "../../../auth/item-secrets.ts";
import { sealJobSecrets } from "../../../auth/job-secrets.ts";
import { type SecretBox, secretBoxOf } from "../../../auth/secret-box.ts";
import { insertItems, type NewItemRow } from "../../../db/items.ts";
import { readSettings } from "../../../db/settings.ts";
import type { ItemFacts } from "../../../library/items/facts.ts";
import type { Settings } from "../../../library/settings.ts";
import type { NewJob } from "../../../partition/create.ts";
import type { AppContext } from "../../http.ts";
import { mintId, newJob } from "../../jobs/new-job.ts";
import { assertRoom, submit } from "../../jobs/submit.ts";
import { isObject } from "../library-body.ts";
import { presetChooser } from "../ytdlp/chosen-preset.ts";
import { mergeCommandLine } from "../ytdlp/merged-command-line.ts";
import { itemCli, readSubmission, type Submission } from "../ytdlp/submission.ts";

const SURFACE = "library";
const SEAL_RETRY_SECONDS = 5;

/** What was submitted, as answers echo it. */
export interface EchoedItem {
  url: string;
  preset: string;
  folder: string;
  cookies: string;
  template: string;
  cli: string;
  extras: Record<string, unknown>;
  requeued: boolean;
  auto_start: boolean;
}

export interface CreatedItem {
  id: string;
  item: EchoedItem;
}

/** One submission, checked, with all that preset and settings add to it. */
interface Prepared {
  submission: Submission;
  echo: EchoedItem;
  facts: ItemFacts;
  folder: string;
  /** For the node alone. */
  args: string[];
  cookies: string;
}

/**
 * Makes a job of each submission, in their order.
 *
 * @throws AppError 400 for the first bad one, with it as `data`; 403, 503. Then nothing was made.
 */
export async function createItems(context: AppContext, raws: readonly unknown[]): Promise<CreatedItem[]> {
  const settings = await readSettings(context.env.DB, context.var.caller.account.id);
  const prepared: Prepared[] = [];
  const around = { settings, presetOf: presetChooser(context) };
  for (const raw of raws) prepared.push(await prepare(context, raw, around));
  const response = await submit(context, { items: raws }, async () => {
    await assertRoom(context);
    const now = Date.now();
    const together = prepared.length > 1 ? mintId(now) : null;
    const made = await makeAll(context, prepared, now, together);
    const rows = made.map(({ row }) => row);
    await insertItems(context.env.DB, rows);
    const answer: Remembered = { ids: rows.map(({ job }) => job), together };
    return { jobs: made.map(({ job }) => job), batch: null, answer };
  });
  // Of a repeated request the first answer is remembered, without what may be secret in it.
  const { ids, together } = (await response.json()) as Remembered;
  return ids.map((id, index) => {
    const { echo } = prepared[index] ?? unanswered();
    return { id, item: { ...echo, extras: { ...echo.extras, ...extrasOf(together, index, ids.length) } } };
  });
}

/** What an idempotency key remembers of a create. */
interface Remembered {
  ids: string[];
  /** Names what was submitted together; null: one item alone. */
  together: string | null;
}

function unanswered(): never {
  throw new Error("there are more jobs than submissions");
}

function extrasOf(together: string | null, index: number, total: number): Record<string, unknown> {
  return together === null ? {} : { batch_id: together, batch_index: index + 1, batch_total: total };
}

/** What all submissions of one request go by. */
interface Around {
  settings: Settings;
  presetOf: ReturnType<typeof presetChooser>;
}

async function prepare(context: AppContext, raw: unknown, around: Around): Promise<Prepared> {
  const body = isObject(raw) ? raw : {};
  try {
    return await prepareOne(context, body, around);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "invalid") throw error;
    const extras: AppErrorExtras = { ...error.extras, body: { ...error.extras.body, data: raw } };
    throw new AppError("invalid", error.message, extras);
  }
}

async function prepareOne(context: AppContext, body: Record<string, unknown>, around: Around): Promise<Prepared> {
  const { settings, presetOf } = around;
  const { env } = context;
  const submission = readSubmission(body, env);
  const preset = await presetOf(body.preset);
  const { nodeArgs } = mergeCommandLine([preset.cli, itemCli(submission, env)], env);
  const cookies = submission.cookies || preset.cookies;
  assertCookies(cookies);
  const extras = isObject(body.extras) ? body.extras : {};
  return {
    submission,
    echo: {
      url: submission.url,
      preset: preset.name,
      folder: submission.folder,
      cookies: submission.cookies,
      template: submission.template,
      cli: submission.cli,
      extras,
      requeued: false,
      auto_start: body.auto_start !== false,
    },
    facts: {
      preset: preset.name,
      template: submission.template || preset.template || settings.output_template,
      template_chapter: settings.output_template_chapter,
      extras,
    },
    folder: submission.folder || preset.folder,
    args: nodeArgs,
    cookies,
  };
}

/** @throws AppError 400 */
function assertCookies(text: string): void {
  const problem =
    text.length > MAX_COOKIES_BYTES ? `longer than ${MAX_COOKIES_BYTES} bytes` : parseCookies(text).problem;
  if (problem !== null) throw new AppError("invalid", `cookies must be in the Netscape format: ${problem}.`);
}

interface Made {
  job: NewJob;
  row: NewItemRow;
}

async function makeAll(
  context: AppContext,
  prepared: readonly Prepared[],
  now: number,
  together: string | null,
): Promise<Made[]> {
  const box = secretBoxOf(context.env);
  try {
    return await Promise.all(
      prepared.map((each, index) => {
        const extras = extrasOf(together, index, prepared.length);
        return make(context, box, each, { now, index, extras });
      }),
    );
  } catch {
    throw unavailable("The items could not be stored yet, try again.", SEAL_RETRY_SECONDS);
  }
}

async function make(
  context: AppContext,
  box: SecretBox,
  { submission, echo, facts, folder, args, cookies }: Prepared,
  { now, index, extras }: { now: number; index: number; extras: Record<string, unknown> },
): Promise<Made> {
  const account = context.var.caller.account.id;
  const secrets = { ...(cookies === "" ? {} : { cookies }), ...(args.length === 0 ? {} : { args }) };
  const job = newJob(
    context,
    { folder, tags: [featureTag(LIBRARY_RUN)], wait_for_video: true },
    { url: submission.url, filename: null },
    {
      now,
      batch: null,
      surface: SURFACE,
      entrusted: { sealed: await sealJobSecrets(box, account, secrets), target: null },
    },
  );
  const options = JSON.parse(job.options) as JobOptions;
  const { template, template_chapter } = facts;
  const id = mintId(now, index);
  return {
    job: {
      ...job,
      // Those of one moment run in the order in which they came.
      id,
      options: JSON.stringify({ ...options, library: { args: [], template, template_chapter } } satisfies JobOptions),
      held: !echo.auto_start,
    },
    row: {
      job: id,
      account,
      facts: JSON.stringify({ ...facts, extras: { ...facts.extras, ...extras } } satisfies ItemFacts),
      sealed: await sealItemSecrets(box, account, { cli: submission.cli, cookies: submission.cookies }),
      created_at: now,
    },
  };
}
