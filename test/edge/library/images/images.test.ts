/** `GET /api/thumbnail` and `GET /api/random/background` (library API 9.9). */
import { describe, expect, it } from "vitest";
import { PICTURES } from "../../../courier/fake-pictures.ts";
import { received } from "../../courier/support.ts";
import { type Account, admin, call, newAccount, textOf } from "../../support.ts";

const get = (account: Account, path: string, method = "GET") =>
  call(path, { method, headers: { "x-api-key": account.key } });
const at = (behaviour: string) => `https://i.example.com/r/${behaviour}/${crypto.randomUUID()}`;
const thumbnail = (account: Account, url: string) => get(account, `/api/thumbnail?url=${encodeURIComponent(url)}`);
const FAILED = "failed to retrieve the thumbnail.";

describe("a thumbnail", () => {
  it("is passed on with its type, for a year, and can run nothing", async () => {
    const account = await newAccount();
    for (const [kind, type] of [
      ["png", "image/png"],
      ["svg", "image/svg+xml"],
    ] as const) {
      const answer = await thumbnail(account, at(`typed-${kind}`));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
      expect(answer.headers.get("cache-control")).toBe("private, max-age=31536000");
      expect(answer.headers.get("content-security-policy")).toMatch(/^sandbox;/);
      expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual(PICTURES[kind]);
    }
    const head = await get(account, `/api/thumbnail?url=${encodeURIComponent(at("typed-gif"))}`, "HEAD");
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([200, "image/gif", ""]);
  });

  it.each([
    ["404", 404],
    ["503", 503],
    ["204", 502],
    ["png", 502],
    ["typed-large", 502],
    ["egress-private_address", 502],
  ])("of a source that answers %s is %i", async (behaviour, status) => {
    const answer = await thumbnail(await newAccount(), at(behaviour));
    expect([answer.status, await answer.json()]).toEqual([status, { error: FAILED }]);
  });

  it.each([
    ["", "URL is required."],
    ["ftp://i.example.com/a.png", "Invalid scheme usage. Only HTTP or HTTPS allowed."],
    ["nope", "Invalid hostname."],
    ["http://127.0.0.1/a.png", "Access to internal urls or private networks is not allowed."],
    ["http://169.254.169.254/latest", "Access to internal urls or private networks is not allowed."],
  ])("of %j is refused: %s", async (url, error) => {
    const answer = await thumbnail(await newAccount(), url);
    expect([answer.status, await answer.json()]).toEqual([403, { error }]);
  });
});

async function withBackends(...pictures_backends: string[]): Promise<Account> {
  const account = await newAccount();
  const { status } = await admin("PATCH", `/admin/accounts/${account.id}/settings`, { pictures_backends });
  expect(status).toBe(200);
  return account;
}

const background = async (account: Account, query = "") => {
  const answer = await get(account, `/api/random/background${query}`);
  const { headers } = answer;
  const told = ["content-type", "x-cache", "x-image-via"].map((name) => headers.get(name));
  return { status: answer.status, told, ttl: Number(headers.get("x-cache-ttl")), body: await textOf(answer) };
};

describe("a background", () => {
  it("is a gradient of our own for an account without sites, kept for an hour unless another is wanted", async () => {
    const account = await newAccount();
    const first = await background(account);
    expect([first.status, first.told]).toEqual([200, ["image/svg+xml", "MISS", "gradient"]]);
    expect(first.body).toMatch(/^<svg .*<\/svg>\n$/);
    const kept = await background(account);
    expect([kept.told, kept.body]).toEqual([["image/svg+xml", "HIT", "gradient"], first.body]);
    expect(kept.ttl).toBeGreaterThan(3_500);
    expect(kept.ttl).toBeLessThanOrEqual(3_600);
    expect((await background(account, "?force=true")).told[1]).toBe("MISS");
    expect((await background(await newAccount())).told[1]).toBe("MISS");
  });

  it("is a picture of one of the account's sites, fetched once", async () => {
    const key = crypto.randomUUID();
    const account = await withBackends(`https://i.example.com/r/jpeg/${key}`);
    expect((await background(account)).told).toEqual(["image/jpeg", "MISS", "i.example.com"]);
    expect((await background(account)).told).toEqual(["image/jpeg", "HIT", "i.example.com"]);
    expect(await received(key)).toHaveLength(1);
  });

  it.each(["404", "svg", "egress-private_address"])("of a site that answers %s is 500", async (behaviour) => {
    const answer = await get(await withBackends(at(behaviour)), "/api/random/background");
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { error: "failed to retrieve the random background image." },
    ]);
  });

  it("is 429 while one is being fetched for the account, and not for others", async () => {
    const account = await withBackends(at("hang"));
    const pending = get(account, "/api/random/background");
    const answers = await Promise.all([
      pending,
      get(account, "/api/random/background"),
      get(await newAccount(), "/api/random/background"),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 500]);
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
  });
});
