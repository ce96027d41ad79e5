/** `GET /api/file/browser/{path}` (library API 9.4). */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, call, newAccount } from "../../support.ts";
import { browse, fetchPath, first, namesIn, putByHand, putDelivered } from "./support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
  await putDelivered(account, "ch/foo/x.mp4", { at: 1_795_402_894_999 });
  await putDelivered(account, "ch/foo/Season 2025/e1.mkv", { at: 1_795_402_895_000, text: "longer than the other" });
  await putDelivered(account, "ch/foo/Ätzend.mp4", { at: 1_795_402_893_000, text: "a" });
  await putDelivered(account, "ch/foo/b.jpg", { at: 1_795_402_892_000, text: "bb" });
});

const refused = async (path: string) => {
  const answer = await account.api("GET", path);
  return [answer.status, answer.body];
};

describe("a folder", () => {
  it("is told with its files and folders, and its page", async () => {
    const { contents, ...rest } = await browse(account, "ch/foo", "?sort_by=date&sort_order=desc");
    expect(rest).toEqual({
      path: "ch/foo",
      pagination: { page: 1, per_page: 50, total: 4, total_pages: 1, has_next: false, has_prev: false },
    });
    expect(contents.slice(0, 2)).toEqual([
      {
        type: "dir",
        content_type: "dir",
        name: "Season 2025",
        path: "ch/foo/Season 2025",
        size: 0,
        mime: "directory",
        mtime: "2026-11-23T03:01:35+00:00",
        ctime: "2026-11-23T03:01:35+00:00",
        is_dir: true,
        is_file: false,
        is_symlink: false,
      },
      {
        type: "file",
        content_type: "video",
        name: "x.mp4",
        path: "ch/foo/x.mp4",
        size: 9,
        mime: "video/mp4",
        mtime: "2026-11-23T03:01:34+00:00",
        ctime: "2026-11-23T03:01:34+00:00",
        is_dir: false,
        is_file: true,
        is_symlink: false,
      },
    ]);
  });

  it("is the root, by any of its names, and its path is a slash then", async () => {
    for (const path of ["/api/file/browser", "/api/file/browser/", "/api/file/browser/%2F"]) {
      const { status, body } = await account.api("GET", path);
      expect([status, body]).toMatchObject([200, { path: "/", contents: [{ name: "ch", path: "ch" }] }]);
    }
  });

  it.each([
    ["", ["b.jpg", "Season 2025", "x.mp4", "Ätzend.mp4"]],
    ["?sort_by=nonsense", ["b.jpg", "Season 2025", "x.mp4", "Ätzend.mp4"]],
    ["?sort_order=desc", ["Ätzend.mp4", "x.mp4", "Season 2025", "b.jpg"]],
    ["?sort_by=size&sort_order=desc", ["x.mp4", "b.jpg", "Ätzend.mp4", "Season 2025"]],
    ["?sort_by=date", ["b.jpg", "Ätzend.mp4", "x.mp4", "Season 2025"]],
    ["?sort_by=type", ["Season 2025", "b.jpg", "x.mp4", "Ätzend.mp4"]],
  ])("%s is sorted", async (query, names) => {
    expect(await namesIn(account, "ch/foo", query)).toEqual(names);
  });

  it.each([
    ["X.MP", ["x.mp4"]],
    ["äTZ", ["Ätzend.mp4"]],
    ["%", []],
    ["_", []],
    ["season 2", ["Season 2025"]],
  ])("is searched for %s in any case, and total counts what was found", async (search, names) => {
    const { contents, pagination } = await browse(account, "ch/foo", `?search=${encodeURIComponent(search)}`);
    expect(contents.map((entry) => entry.name)).toEqual(names);
    expect(pagination).toMatchObject({ total: names.length, total_pages: 1 });
  });

  it("is paged, and a page past the end is the last one", async () => {
    const page = await browse(account, "ch/foo", "?per_page=3&page=9");
    expect(page.contents.map((entry) => entry.name)).toEqual(["Ätzend.mp4"]);
    expect(page.pagination).toEqual({
      page: 2,
      per_page: 3,
      total: 4,
      total_pages: 2,
      has_next: false,
      has_prev: true,
    });
    expect(await refused("/api/file/browser/ch?per_page=1001")).toEqual([
      400,
      { error: "per_page must be between 1 and 1000." },
    ]);
  });

  it("may be asked for with a slash at its end, two in it, or one encoded", async () => {
    for (const path of ["ch/foo/", "ch//foo", "ch%2Ffoo"]) {
      expect((await account.api("GET", `/api/file/browser/${path}`)).body).toMatchObject({ path: "ch/foo" });
    }
  });
});

describe("what is no folder of the account", () => {
  it("is named: nothing there, or a file", async () => {
    expect(await refused("/api/file/browser/ch/nope")).toEqual([404, { error: "path 'ch/nope' does not exist." }]);
    expect(await refused("/api/file/browser/ch/foo/x.mp4")).toEqual([
      400,
      { error: "path 'ch/foo/x.mp4' is not a directory." },
    ]);
  });

  it.each([
    "..%2F",
    "ch%2F..%2F..%2Fetc",
    "ch%2F%2e%2e%2Ffoo",
    "ch%5C..%5Cfoo",
    "ch%00",
    "%ff",
    ".trawl",
    ".TRAWL",
    ".cache/hls",
  ])("%s is an unknown path", async (path) => {
    expect((await account.api("GET", `/api/file/browser/${path}`)).status).toBe(404);
  });

  it("is another account's root, not even for the account around whose files it lies", async () => {
    const other = await newAccount();
    const named = (await namesIn(first)).filter((name) => name.startsWith("@"));
    expect(named).toEqual([]);
    await putByHand(other, "secret/plan.mp4");
    for (const path of [
      `@${other.id}`,
      `%40${other.id}/secret`,
      `/@${other.id}/secret`,
      `@${other.id}/secret/plan.mp4`,
    ]) {
      for (const one of [account, first]) {
        expect((await one.api("GET", `/api/file/browser/${path}`)).status).toBe(404);
        expect((await fetchPath(one, path)).status).toBe(404);
      }
    }
  });

  it("is hidden: names that begin with a dot, or an underscore", async () => {
    const own = await newAccount();
    for (const path of ["_private/a.mp4", ".cache/b.mp4", "shown/_c.mp4", "shown/.d.mp4", "shown/e.mp4"]) {
      await putByHand(own, path);
    }
    await putDelivered(own, "shown/_con.mp4");
    expect([await namesIn(own), await namesIn(own, "shown")]).toEqual([["shown"], ["e.mp4"]]);
    expect((await own.api("GET", "/api/file/browser/_private")).status).toBe(404);
  });
});

it("needs a credential", async () => {
  expect((await call("/api/file/browser/ch")).status).toBe(401);
});

it("does not count against the rate bucket", async () => {
  const slow = await newAccount({ limits: { rate_per_second: 1 } });
  for (let n = 0; n < 5; n++) expect((await slow.api("GET", "/api/file/browser")).status).toBe(200);
});
