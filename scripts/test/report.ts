/** The numbers of the last line. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of vitest's JSON report that we read. */
export interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[];
}

/** What a vitest run amounts to, with a line for each failure that no single test shows. */
export interface Verdict extends Counts {
  problems: string[];
}

/**
 * Counts a vitest run so that nothing that went wrong counts as nothing: a file that could not be loaded or whose hooks
 * failed, an error outside any test, a crash without a report, and a run that found no test at all are one failure each.
 *
 * @param report Null when vitest wrote none.
 * @param exitCode Vitest's own.
 */
export function judge(report: VitestReport | null, exitCode: number): Verdict {
  if (report === null) return { passed: 0, failed: 1, skipped: 0, problems: ["vitest ended without a report"] };
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
  );
  const verdict: Verdict = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
    problems: brokenFiles.map(({ name }) => `${name} failed outside its tests`),
  };
  if (verdict.passed + verdict.failed === 0) {
    return { ...verdict, failed: 1, problems: ["no test ran"] };
  }
  if (verdict.failed === 0 && exitCode !== 0) {
    return { ...verdict, failed: 1, problems: ["vitest reports errors outside any test (above)"] };
  }
  return verdict;
}

/** The last line of `npm test`. */
export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
