import { seededNumbers } from '@tapline/test-stack';

/** The same seed gives the same numbers on every machine, so that a failed run can be played again. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededNumbers(seed);
  }

  /** A number in [0, 1). */
  float(): number {
    return this.#next() / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[Math.floor(this.float() * items.length)] as T;
  }

  /** Another generator that depends on this one's seed only through its next number. */
  fork(): Random {
    return new Random(Math.floor(this.float() * 4_294_967_296));
  }
}

/** Of the short form. */
const USUAL_SEED = 20_261_121;

/** The seed of a chaos run: TAPLINE_CHAOS_SEED to play a failed run again; else always the same, and in the long form a new one. */
export function chaosSeed(): number {
  const given = process.env.TAPLINE_CHAOS_SEED;
  if (given !== undefined) return Number(given) >>> 0;
  return process.env.TAPLINE_CHAOS === 'long' ? Math.floor(Math.random() * 4_294_967_296) : USUAL_SEED;
}
