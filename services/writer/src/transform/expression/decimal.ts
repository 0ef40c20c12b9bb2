const FORM = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** An exact decimal: `unscaled` × 10^-`scale`, as DECIMAL columns are. Sums and products have all their digits; there is no division. */
export class Decimal {
  readonly unscaled: bigint;
  readonly scale: number;

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /** undefined: no number, or none that ends (`NaN`, `Infinity`). */
  static of(value: unknown): Decimal | undefined {
    if (value instanceof Decimal) return value;
    if (typeof value === 'bigint') return new Decimal(value, 0);
    if (typeof value !== 'number' && typeof value !== 'string') return undefined;
    const [, sign, whole = '', fraction = '', exponent = '0'] = FORM.exec(String(value).trim()) ?? [];
    if (sign === undefined || whole + fraction === '') return undefined;
    const digits = BigInt(`${whole}${fraction}`);
    const scale = fraction.length - Number(exponent);
    const signed = sign === '-' ? -digits : digits;
    return scale < 0 ? new Decimal(signed * 10n ** BigInt(-scale), 0) : new Decimal(signed, scale);
  }

  plus(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.#at(scale) + other.#at(scale), scale);
  }

  minus(other: Decimal): Decimal {
    return this.plus(new Decimal(-other.unscaled, other.scale));
  }

  times(other: Decimal): Decimal {
    return new Decimal(this.unscaled * other.unscaled, this.scale + other.scale);
  }

  /** Half away from zero, as MySQL rounds DECIMAL. Zeros are added where there are fewer digits. */
  round(scale: number): Decimal {
    if (scale >= this.scale) return new Decimal(this.#at(scale), scale);
    const unit = 10n ** BigInt(this.scale - scale);
    const magnitude = this.unscaled < 0n ? -this.unscaled : this.unscaled;
    const rounded = (magnitude + unit / 2n) / unit;
    return new Decimal(this.unscaled < 0n ? -rounded : rounded, scale);
  }

  /** Below, at or above 0. */
  compare(other: Decimal): number {
    const scale = Math.max(this.scale, other.scale);
    const [a, b] = [this.#at(scale), other.#at(scale)];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  toString(): string {
    if (this.scale === 0) return String(this.unscaled);
    const negative = this.unscaled < 0n;
    const digits = String(negative ? -this.unscaled : this.unscaled).padStart(this.scale + 1, '0');
    return `${negative ? '-' : ''}${digits.slice(0, -this.scale)}.${digits.slice(-this.scale)}`;
  }

  #at(scale: number): bigint {
    return this.unscaled * 10n ** BigInt(scale - this.scale);
  }
}
