export const MASK = '***';

const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@:]*):([^\s/@]+)@/gi;
const SECRET_NAME =
  /^(.*[_-])?(pass(word|wd|phrase)?|secret|token|api[_-]?key|authorization|credentials?)$|Password$|Secret$|Token$|ApiKey$/i;
/** Shorter secrets are masked only where they are a whole value: masking every "a" would leave nothing to read. */
const MIN_SUBSTRING = 4;

/** Takes secrets out of whatever is about to be printed: the values it was told, passwords in URLs, fields named like secrets. */
export class Redactor {
  #secrets: string[] = [];

  /** Secret values to mask from now on. */
  add(values: Iterable<string>): void {
    const all = new Set(this.#secrets);
    for (const value of values) if (value !== '') all.add(value);
    // Longest first, so that a secret that contains another is masked whole.
    this.#secrets = [...all].toSorted((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let result = text;
    for (const secret of this.#secrets) {
      if (result === secret) return MASK;
      if (secret.length >= MIN_SUBSTRING) result = result.replaceAll(secret, MASK);
    }
    return result.replace(URL_CREDENTIALS, `$1$2:${MASK}@`);
  }

  /** A copy of plain data, ready for JSON: bigint as text, bytes as their count, cycles cut, secrets masked. */
  data(value: unknown, name = '', depth = 0): unknown {
    if (value === null || value === undefined) return value;
    if (name !== '' && SECRET_NAME.test(name) && typeof value !== 'boolean') return MASK;
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object') return value;
    if (depth > 8) return '…';
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    if (value instanceof Date) return value;
    if (Array.isArray(value)) return value.map((item) => this.data(item, '', depth + 1));
    const entries = value instanceof Map ? value.entries() : Object.entries(value);
    return Object.fromEntries(Array.from(entries, ([key, item]) => [key, this.data(item, String(key), depth + 1)]));
  }
}
