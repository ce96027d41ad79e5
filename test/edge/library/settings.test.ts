/** Settings of an account (library API, section 13). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../../edge/db/settings.ts";
import { type Account, admin, newAccount } from "../support.ts";

const pathOf = (account: Account) => `/admin/accounts/${account.id}/settings`;
const read = async (account: Account) => (await admin("GET", pathOf(account))).body;
const patch = (account: Account, body: unknown) => admin("PATCH", pathOf(account), body);

/** The table of section 13, in its order. */
const DEFAULTS = {
  download_path_depth: 2,
  output_template: "%(title)s.%(ext)s",
  output_template_chapter: "%(title)s - %(section_number)s %(section_title)s.%(ext)s",
  default_preset: "default",
  keep_archive: true,
  browser_control_enabled: false,
  remove_files: false,
  max_workers: 20,
  max_workers_per_extractor: 2,
  max_workers_for: {},
  extract_info_timeout: 70,
  extract_info_concurrency: 4,
  download_info_expires: 10_800,
  default_pagination: 50,
  ignore_archived_items: false,
  auto_clear_history_days: 0,
  prevent_live_premiere: true,
  live_premiere_buffer: 5,
  tasks_handler_timer: "15 */1 * * *",
  task_handler_random_delay: 60,
  timezone: "UTC",
  pictures_backends: [],
  instance_title: null,
  ui_update_title: true,
  simple_mode: false,
  streamer_vcodec: "",
  streamer_acodec: "aac",
};

describe("the settings of an account", () => {
  it("are at first the documented defaults, for the routes of the library too", async () => {
    const account = await newAccount();
    const answer = await admin("GET", pathOf(account));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(DEFAULTS);
    expect(Object.keys(answer.body)).toEqual(Object.keys(DEFAULTS));
    expect(await readSettings(env.DB, account.id)).toEqual(DEFAULTS);
  });

  it("change as far as a PATCH names them; it answers all of them", async () => {
    const account = await newAccount();
    const first = await patch(account, { max_workers: 5, timezone: "Europe/Berlin", instance_title: "Studio" });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({ ...DEFAULTS, max_workers: 5, timezone: "Europe/Berlin", instance_title: "Studio" });
    const second = await patch(account, { keep_archive: false, max_workers: null });
    expect(second.body).toEqual({ ...first.body, keep_archive: false, max_workers: 20 });
    expect((await patch(account, {})).body).toEqual(second.body);
    expect(await read(account)).toEqual(second.body);
    expect(await readSettings(env.DB, account.id)).toEqual(second.body);
  });

  it("are the account's own", async () => {
    const [one, two] = [await newAccount(), await newAccount()];
    await patch(one, { simple_mode: true });
    expect(await read(two)).toEqual(DEFAULTS);
  });

  it("take a whole object or list in the place of the former one", async () => {
    const account = await newAccount();
    await patch(account, { max_workers_for: { youtube: 4, vimeo: 1 }, pictures_backends: ["https://a.example.com/1"] });
    const { body } = await patch(account, { max_workers_for: { twitch: 2 }, pictures_backends: [] });
    expect(body).toEqual({ ...DEFAULTS, max_workers_for: { twitch: 2 } });
  });

  it("both count when two changes come at once", async () => {
    const account = await newAccount();
    await Promise.all([patch(account, { max_workers: 3 }), patch(account, { default_pagination: 7 })]);
    expect(await read(account)).toMatchObject({ max_workers: 3, default_pagination: 7 });
  });

  it.each<[string, unknown, string]>([
    ["download_path_depth", -1, "an integer from 0 to 20"],
    ["output_template", "", "a text of 1 to 1000 characters"],
    ["output_template", "a\nb", "a text of 1 to 1000 characters"],
    ["default_preset", 7, "a text of 1 to 1000 characters"],
    ["keep_archive", "true", "true or false"],
    ["remove_files", 1, "true or false"],
    ["max_workers", 0, "an integer from 1 to 1000"],
    ["max_workers", 1.5, "an integer from 1 to 1000"],
    ["max_workers_for", { youtube: 0 }, "an object of up to 200 extractors with integers from 1 to 1000"],
    ["max_workers_for", [4], "an object of up to 200 extractors with integers from 1 to 1000"],
    ["extract_info_timeout", 4, "an integer from 5 to 300"],
    ["extract_info_timeout", 301, "an integer from 5 to 300"],
    ["default_pagination", 1001, "an integer from 1 to 1000"],
    ["default_pagination", "50", "an integer from 1 to 1000"],
    ["tasks_handler_timer", "every hour", "a cron expression of five fields"],
    ["tasks_handler_timer", "61 * * * *", "a cron expression of five fields"],
    ["tasks_handler_timer", "0 15 */1 * * *", "a cron expression of five fields"],
    ["tasks_handler_timer", "2031-01-01T00:00:00", "a cron expression of five fields"],
    ["timezone", "Mars/Olympus", "the IANA name of a time zone"],
    ["timezone", "+01:00", "the IANA name of a time zone"],
    ["pictures_backends", ["ftp://a.example.com/"], "a list of up to 100 http or https URLs"],
    ["instance_title", "", "a text of 1 to 1000 characters, or null"],
    ["streamer_vcodec", "libx264 -vf x", "the name of an ffmpeg encoder, or an empty text"],
    ["streamer_acodec", "-map", "the name of an ffmpeg encoder"],
  ])("refuse %s = %j by name, and then nothing changes", async (name, value, allowed) => {
    const account = await newAccount();
    const answer = await patch(account, { simple_mode: true, [name]: value });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: `${name}: ${allowed}` });
    expect(await read(account)).toEqual(DEFAULTS);
  });

  it.each(["max_worker", "__proto__", "constructor"])(
    "refuse the unknown name %s and say which there are",
    async (name) => {
      const account = await newAccount();
      const answer = await patch(account, `{"simple_mode": true, ${JSON.stringify(name)}: 1}`);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        error: expect.stringMatching(`^${name}: no such setting; there are download_path_depth, `),
      });
      expect(await read(account)).toEqual(DEFAULTS);
    },
  );

  it("of an unknown account are 404, and want the admin token", async () => {
    const account = await newAccount();
    const unknown = "/admin/accounts/01a2310c-0100-726b-b2a7-4de452e6b438/settings";
    expect((await admin("GET", unknown)).status).toBe(404);
    expect((await admin("PATCH", unknown, { simple_mode: true })).status).toBe(404);
    expect((await account.api("GET", pathOf(account))).status).toBe(401);
    expect((await account.api("PATCH", pathOf(account), { simple_mode: true })).status).toBe(401);
  });
});
