/**
 * What services show for being at work, by name: a text that changes while the work goes on, undefined where nothing is to be done now, or where it is known
 * why nothing is (a store that is away: a restart would not bring it back).
 */
export type Signs = Readonly<Record<string, string | undefined>>;

/**
 * Finds what hangs without an error: a sign that stays as it is for longer than `limitMs`. It looks only when it is asked, as a probe does every few seconds; a
 * sign that was not looked at since does not count from before.
 */
export class Liveness {
  readonly #limitMs: number;
  readonly #now: () => number;
  readonly #seen = new Map<string, { readonly sign: string; readonly sinceMs: number }>();

  /** @param limitMs 0: nothing ever counts as hanging. */
  constructor(limitMs: number, now: () => number = Date.now) {
    this.#limitMs = limitMs;
    this.#now = now;
  }

  /** The names whose sign has not changed for too long. */
  hanging(signs: Signs): string[] {
    const nowMs = this.#now();
    for (const [name, sign] of Object.entries(signs)) {
      if (sign === undefined) this.#seen.delete(name);
      else if (this.#seen.get(name)?.sign !== sign) this.#seen.set(name, { sign, sinceMs: nowMs });
    }
    for (const name of this.#seen.keys()) if (!(name in signs)) this.#seen.delete(name);
    if (this.#limitMs === 0) return [];
    return [...this.#seen].filter(([, { sinceMs }]) => nowMs - sinceMs > this.#limitMs).map(([name]) => name);
  }
}
