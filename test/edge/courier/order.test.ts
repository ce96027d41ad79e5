/** Who waits for whom: the order inside a batch, and that slow receivers hold up nobody else. */
import { expect, test } from "vitest";
import { TRIES_AT_ONCE, TRIES_AT_ONCE_PER_TARGET } from "../../../edge/courier/flights.ts";
import { arrivals, newKey, receiver, TestCourier } from "./support.ts";

test("`batch_completed` is first sent after each job webhook of the batch has had its first try", async () => {
  const courier = await TestCourier.open();
  const batch_id = crypto.randomUUID();
  const prefix = newKey("batch");
  const child = (index: number, behaviour: string) =>
    courier.notice({ batch_id, batch_rank: 0, url: receiver(behaviour, `${prefix}-child${index}`) });
  const children = await Promise.all([child(1, "200"), child(2, "500"), child(3, "hang")]);
  const parent = await courier.notice({ batch_id, batch_rank: 1, url: receiver("200", `${prefix}-parent`) });
  const whole = await courier.notice({
    type: "batch_completed",
    job_id: null,
    batch_id,
    batch_rank: 2,
    url: receiver("200", `${prefix}-whole`),
  });
  // Even if it were handed over first.
  await courier.accept(...children, whole, parent);
  expect((await courier.rows()).map((row) => row.due_at !== null)).toEqual([true, true, true, false, false]);
  await courier.run();
  // A child that failed is tried again later: only its first try counts.
  expect((await arrivals(prefix)).slice(0, 3).sort()).toEqual([1, 2, 3].map((index) => `${prefix}-child${index}`));
  expect((await arrivals(prefix)).slice(3)).toEqual([`${prefix}-parent`, `${prefix}-whole`]);
  expect(await courier.entry(whole.id)).toMatchObject({ status: "delivered", job_id: null, batch_id });
});

test("a batch whose jobs were all cancelled waits for nobody; another batch's jobs do not matter", async () => {
  const courier = await TestCourier.open();
  const stranger = await courier.notice({ batch_id: crypto.randomUUID(), batch_rank: 0 });
  const wish = { job_id: null, batch_id: crypto.randomUUID(), batch_rank: 2 } as const;
  const whole = await courier.notice({ type: "batch_completed", ...wish });
  await courier.accept(stranger, whole);
  expect((await courier.rows()).map((row) => row.due_at)).toEqual([courier.now, courier.now]);
  await courier.run();
  expect(await courier.entry(whole.id)).toMatchObject({ status: "delivered" });
});

test("job webhooks that had their first try in an earlier run let the batch go at once", async () => {
  const courier = await TestCourier.open();
  const batch_id = crypto.randomUUID();
  await courier.accept(await courier.notice({ batch_id, batch_rank: 0, url: receiver("500", newKey()) }));
  await courier.run();
  const whole = await courier.notice({ type: "batch_completed", job_id: null, batch_id, batch_rank: 2 });
  await courier.accept(whole);
  await courier.run();
  expect(await courier.entry(whole.id)).toMatchObject({ status: "delivered" });
});

test("a receiver that hangs holds up itself, not the others", async () => {
  const courier = await TestCourier.open();
  const prefix = newKey("slow");
  // One receiver: its query differs, its path does not.
  const hanging = await Promise.all(
    Array.from({ length: 3 * TRIES_AT_ONCE_PER_TARGET }, (_, index) =>
      courier.notice({ type: "progress", url: `${receiver("hang", `${prefix}-hang`)}?job=${index}` }),
    ),
  );
  const quick = await courier.notice({ url: receiver("200", `${prefix}-quick`) });
  await courier.accept(...hanging, quick);
  await courier.run();
  const order = await arrivals(prefix);
  expect(order).toHaveLength(hanging.length + 1);
  expect(order.indexOf(`${prefix}-quick`)).toBeLessThanOrEqual(TRIES_AT_ONCE_PER_TARGET);
  expect((await courier.list("?limit=100")).map((entry) => entry.last_error ?? entry.status).sort()).toEqual(
    ["delivered", ...hanging.map(() => "timeout")].sort(),
  );
});

test("what comes while receivers hang is sent at once", async () => {
  const courier = await TestCourier.open();
  const prefix = newKey("late");
  await courier.accept(
    ...(await Promise.all(
      [1, 2].map((index) =>
        courier.notice({ type: "progress", url: `${receiver("hang", `${prefix}-hang`)}?job=${index}` }),
      ),
    )),
  );
  const hanging = courier.run();
  const quick = await courier.notice({ url: receiver("200", `${prefix}-quick`) });
  await courier.accept(quick);
  await Promise.all([hanging, courier.run()]);
  expect(await courier.entry(quick.id)).toMatchObject({ status: "delivered" });
});

test("a long queue for many receivers is worked off, all of it", async () => {
  const courier = await TestCourier.open();
  const prefix = newKey("many");
  const notices = await Promise.all(
    Array.from({ length: 5 * TRIES_AT_ONCE }, (_, index) =>
      courier.notice({ url: receiver("200", `${prefix}-${index % 7}`) }),
    ),
  );
  await courier.accept(...notices);
  await courier.run();
  expect(await arrivals(prefix)).toHaveLength(notices.length);
  expect(new Set((await courier.rows()).map((row) => row.status))).toEqual(new Set(["delivered"]));
});
