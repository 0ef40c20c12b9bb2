/** A store's line of the table. */
export interface SinkView {
  readonly title: string;
  readonly appliedPerSecond: number;
  /** Commit to visible in the store; undefined before the first sample. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly state: string;
  /** The row of `DemoView.mysqlRow` as the store has it. */
  readonly row: string;
}

/** What the demo shows while it runs. */
export interface DemoView {
  readonly elapsedSeconds: number;
  readonly durationSeconds: number;
  readonly phase: string;
  readonly committedRows: number;
  readonly committedPerSecond: number;
  readonly reader: string;
  readonly mysqlRow: string;
  readonly sinks: readonly SinkView[];
}

const milliseconds = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(1)} ms`);
const seconds = (value: number): string => `${value.toFixed(1).padStart(5)} s`;
const TITLE_COLUMNS = 14;

function sinkLine({ title, appliedPerSecond, p50Ms, p99Ms, state }: SinkView): string {
  const rate = Math.round(appliedPerSecond).toString().padStart(7);
  const latency = `p50 ${milliseconds(p50Ms).padStart(9)}   p99 ${milliseconds(p99Ms).padStart(9)}`;
  return `${title.padEnd(TITLE_COLUMNS)}  ${rate} changes/s   commit → there ${latency}   ${state}`;
}

/** The view as lines for logs and pipes. */
export function plainLines(view: DemoView): readonly string[] {
  return [`MySQL ${Math.round(view.committedPerSecond)} rows/s   ${view.phase}`, ...view.sinks.map(sinkLine)];
}

/** The view as a block of lines no wider than `columns`. */
export function block(view: DemoView, columns: number): readonly string[] {
  const count = view.committedRows.toLocaleString('en');
  const rate = Math.round(view.committedPerSecond).toString().padStart(7);
  return [
    '',
    `  ${view.phase}   ${Math.round(view.elapsedSeconds)} of ${view.durationSeconds} s`,
    `  ${'MySQL'.padEnd(TITLE_COLUMNS)}  ${rate} rows/s      ${count} rows   ${view.reader}`,
    ...view.sinks.map((sink) => `  ${sinkLine(sink)}`),
    `  ${'MySQL'.padEnd(TITLE_COLUMNS)}  ${view.mysqlRow}`,
    ...view.sinks.map(({ title, row }) => `  ${title.padEnd(TITLE_COLUMNS)}  ${row}`),
  ].map((line) =>
    Array.from(line)
      .slice(0, Math.max(20, columns - 1))
      .join(''),
  );
}

/** Without a terminal, the row in all places is printed with every fifth table only. */
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
      for (const line of plainLines(view)) this.say(line);
      if (this.#shown++ % PLAIN_ROWS !== 0) return;
      const rows = [['MySQL', view.mysqlRow] as const, ...view.sinks.map(({ title, row }) => [title, row] as const)];
      this.say(`the same row:${rows.map(([title, row]) => `\n    ${title.padEnd(TITLE_COLUMNS)}  ${row}`).join('')}`);
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
