/** With more than this, the pool forgets what it has: only sharing is lost. */
const MOST = 200_000;

/**
 * Makes one object of equal ones. Thousands of tables have the same few hundred columns and keys: ids, names, times. What goes in must be plain and must
 * never be changed.
 */
export class Pool<T extends object> {
  readonly #byText = new Map<string, T>();
  /** Those that came out: they need no second look. */
  readonly #known = new WeakSet<T>();

  shared(value: T): T {
    if (this.#known.has(value)) return value;
    const text = JSON.stringify(value);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    if (this.#byText.size >= MOST) this.#byText.clear();
    this.#byText.set(text, value);
    this.#known.add(value);
    return value;
  }
}
