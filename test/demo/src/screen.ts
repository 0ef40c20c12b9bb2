/** What the demo shows while it runs. */
export interface DemoView {
  readonly elapsedSeconds: number;
  readonly durationSeconds: number;
  readonly phase: string;
  readonly committedRows: number;
  readonly committedPerSecond: number;
  readonly appliedPerSecond: number;
  /** Commit to visible in Redis; undefined before the first sample. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly services: string;
  /** The same row in both places. */
  readonly mysqlRow: string;
  readonly redisRow: string;
}

const milliseconds = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(1)} ms`);
const seconds = (value: number): string => `${value.toFixed(1).padStart(5)} s`;

/** The view as one line, for logs and pipes. */
export function plainLine(view: DemoView): string {
  const rates = `MySQL ${Math.round(view.committedPerSecond)} rows/s, Redis ${Math.round(view.appliedPerSecond)} changes/s`;
  return `${rates}, commit → Redis p50 ${milliseconds(view.p50Ms)}, p99 ${milliseconds(view.p99Ms)}`;
}

/** The view as a block of lines no wider than `columns`. */
export function block(view: DemoView, columns: number): readonly string[] {
  const count = view.committedRows.toLocaleString('en');
  return [
    '',
    `  ${view.phase}   ${Math.round(view.elapsedSeconds)} of ${view.durationSeconds} s`,
    `  committed in MySQL  ${Math.round(view.committedPerSecond).toString().padStart(7)} rows/s   ${count} rows`,
    `  applied in Redis    ${Math.round(view.appliedPerSecond).toString().padStart(7)} changes/s`,
    `  commit → Redis      p50 ${milliseconds(view.p50Ms)}   p99 ${milliseconds(view.p99Ms)}`,
    `  ${view.services}`,
    `  MySQL  ${view.mysqlRow}`,
    `  Redis  ${view.redisRow}`,
  ].map((line) =>
    Array.from(line)
      .slice(0, Math.max(20, columns - 1))
      .join(''),
  );
}

/** Without a terminal, the row in both places is printed with every fifth line only. */
const PLAIN_ROWS = 5;

/** Prints events for good and keeps one block up to date below them; without a terminal, plain lines only. */
export class Screen {
  readonly #live: boolean;
  readonly #started = performance.now();
  #drawn = 0;
  #shown = 0;
  #last: DemoView | undefined;

  constructor(live: boolean) {
    this.#live = live;
  }

  /** A line that stays. */
  say(line: string): void {
    this.#erase();
    process.stdout.write(`[${seconds((performance.now() - this.#started) / 1000)}] ${line}\n`);
    this.#draw();
  }

  show(view: DemoView): void {
    if (!this.#live) {
      this.say(plainLine(view));
      if (this.#shown++ % PLAIN_ROWS === 0)
        this.say(`the same row:\n    MySQL  ${view.mysqlRow}\n    Redis  ${view.redisRow}`);
      return;
    }
    this.#erase();
    this.#last = view;
    this.#draw();
  }

  /** Takes the block away; lines go on below. */
  end(): void {
    this.#erase();
    this.#last = undefined;
  }

  #draw(): void {
    if (!this.#live || !this.#last) return;
    const lines = block(this.#last, process.stdout.columns ?? 100);
    process.stdout.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #erase(): void {
    // Up to the block's first line, and everything below it cleared.
    if (this.#drawn > 0) process.stdout.write(`\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }
}
