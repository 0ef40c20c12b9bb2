import type { ReplayProgress } from '@tapline/writer';
import { progressText } from './text.ts';

/** Where nobody looks on, so often. */
const LOGGED_MS = 10_000;

type Out = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

/** How far a replay is: one line that is written over on a terminal, else a line of its own now and then. */
export class ProgressLine {
  readonly #out: Out;
  readonly #startMs = performance.now();
  #loggedMs = performance.now();
  #open = false;

  constructor(out: Out) {
    this.#out = out;
  }

  show(progress: ReplayProgress): void {
    const now = performance.now();
    const text = progressText(progress, (progress.passed * 1000) / (now - this.#startMs));
    if (this.#out.isTTY) {
      this.#out.write(`\r\u001b[2K${text.slice(0, (this.#out.columns ?? 80) - 1)}`);
      this.#open = true;
    } else if (now - this.#loggedMs >= LOGGED_MS) {
      this.#loggedMs = now;
      this.#out.write(`${text}\n`);
    }
  }

  end(): void {
    if (this.#open) this.#out.write('\n');
    this.#open = false;
  }
}
