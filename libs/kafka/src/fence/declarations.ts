import type { TaplineError } from '@tapline/kernel';
import { asTaplineError } from '../refusals.ts';

interface DeclarationsOptions {
  declare(topics: readonly string[]): Promise<void>;
  /** Topics were declared: what waits for them can go. */
  onDeclared(): void;
  onFailed(error: TaplineError): void;
}

/** The topics that a life writes to, each declared before its first batch leaves; together what comes while a declaration is under way. */
export class Declarations {
  readonly #options: DeclarationsOptions;
  readonly #declared = new Set<string>();
  readonly #wanted = new Set<string>();
  #underWay = false;

  constructor(options: DeclarationsOptions) {
    this.#options = options;
  }

  has(topic: string): boolean {
    return this.#declared.has(topic);
  }

  /** Something waits for the topic. */
  want(topic: string): void {
    this.#wanted.add(topic);
    if (this.#underWay) return;
    this.#underWay = true;
    // All that are wanted in this turn of the event loop go together.
    queueMicrotask(() => {
      this.#run().catch((error: unknown) => this.#options.onFailed(asTaplineError(error)));
    });
  }

  async #run(): Promise<void> {
    while (this.#wanted.size > 0) {
      const topics = [...this.#wanted];
      await this.#options.declare(topics);
      for (const topic of topics) {
        this.#declared.add(topic);
        this.#wanted.delete(topic);
      }
      this.#options.onDeclared();
    }
    this.#underWay = false;
  }
}
