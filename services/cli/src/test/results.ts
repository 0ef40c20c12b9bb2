/** What one jest run counted; `--json --outputFile` writes it among much else. */
export interface JestCounts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that could not be loaded or run: their tests were never counted. */
  readonly numRuntimeErrorTestSuites: number;
  readonly success: boolean;
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0 };

/** Counts of one jest run; `counts` is undefined when it wrote no result. A run that fails for any reason counts at least one failure. */
export function totalsOf(counts: JestCounts | undefined, exitCode: number | null): Totals {
  if (!counts) return { passed: 0, failed: 1, skipped: 0 };
  const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
  const clean = exitCode === 0 && counts.success;
  return {
    passed: counts.numPassedTests,
    failed: failed === 0 && !clean ? 1 : failed,
    skipped: counts.numPendingTests + counts.numTodoTests,
  };
}

export function add(left: Totals, right: Totals): Totals {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** The last line of `tapline test`: `12 passed, 0 failed`, with `, 3 skipped` when any were. */
export function totalsLine(totals: Totals): string {
  const skipped = totals.skipped === 0 ? '' : `, ${totals.skipped} skipped`;
  return `${totals.passed} passed, ${totals.failed} failed${skipped}`;
}
