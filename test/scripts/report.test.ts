import { describe, expect, test } from "vitest";
import { judge, lastLine, type VitestReport } from "../../scripts/test/report.ts";

const report = (change: Partial<VitestReport> = {}): VitestReport => ({
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ name: "a.test.ts", status: "passed", assertionResults: [{ status: "passed" }] }],
  ...change,
});

describe("the verdict on a test run", () => {
  test("counts what vitest counted", () => {
    const verdict = judge(report({ numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }), 1);
    expect(verdict).toEqual({ passed: 3, failed: 2, skipped: 2, problems: [] });
  });

  test("counts a file that could not be loaded as a failure", () => {
    const broken = { name: "b.test.ts", status: "failed", assertionResults: [] };
    expect(judge(report({ testResults: [broken] }), 1)).toMatchObject({ passed: 3, failed: 1 });
  });

  test("counts errors outside any test as a failure", () => {
    expect(judge(report(), 1)).toMatchObject({ passed: 3, failed: 1 });
  });

  test("fails when no test ran, and when vitest crashed", () => {
    expect(judge(report({ numPassedTests: 0, testResults: [] }), 0).failed).toBe(1);
    expect(judge(null, 0).failed).toBe(1);
  });

  test("is written as one line that names skipped tests only if there are any", () => {
    expect(lastLine({ passed: 5, failed: 0, skipped: 0 })).toBe("5 passed, 0 failed");
    expect(lastLine({ passed: 5, failed: 1, skipped: 2 })).toBe("5 passed, 1 failed, 2 skipped");
  });
});
