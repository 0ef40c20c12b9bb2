/**
 * MySQL's geometries → GeoJSON (RFC 7946).
 *
 * MySQL 9.7 manual, "Internal Geometry Storage Format": SRID (uint32, little endian), then WKB. WKB (OGC 06-103r4): byte order (1: little endian), type
 * (uint32), then
 * - 1 point: x y (doubles) · 2 line: n points · 3 polygon: n rings, each n points
 * - 4–6 several of those, 7 a collection: n whole WKB values
 *
 * Longitude is stored first whatever the axis order of the SRID is, as GeoJSON has it.
 */
const NAMES = [
  '',
  'Point',
  'LineString',
  'Polygon',
  'MultiPoint',
  'MultiLineString',
  'MultiPolygon',
  'GeometryCollection',
];
const COLLECTION = 7;
/** Not said, and WGS 84: what GeoJSON means. */
const WORLD_SRIDS: ReadonlySet<number> = new Set([0, 4326]);

/** undefined for another SRID, or for what is no WKB. */
export function geoJsonOf(bytes: Uint8Array): string | undefined {
  const reader = new WkbReader(bytes);
  try {
    if (!WORLD_SRIDS.has(reader.srid())) return undefined;
    return reader.geometry();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class WkbReader {
  readonly #view: DataView;
  #at = 0;
  #little = true;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  srid(): number {
    return this.#uint32();
  }

  geometry(): string {
    const { type, inside } = this.#body();
    const member = type === COLLECTION ? 'geometries' : 'coordinates';
    return `{"type":"${NAMES[type]}","${member}":${inside}}`;
  }

  #body(): { type: number; inside: string } {
    this.#little = this.#view.getUint8(this.#at++) === 1;
    const type = this.#uint32();
    if (type === 1) return { type, inside: this.#point() };
    if (type === 2) return { type, inside: this.#list(() => this.#point()) };
    if (type === 3) return { type, inside: this.#list(() => this.#list(() => this.#point())) };
    if (type > 3 && type < COLLECTION) return { type, inside: this.#list(() => this.#body().inside) };
    if (type === COLLECTION) return { type, inside: this.#list(() => this.geometry()) };
    throw new RangeError(`no geometry of type ${type}`);
  }

  #list(one: () => string): string {
    const count = this.#uint32();
    const parts: string[] = [];
    for (let index = 0; index < count; index++) parts.push(one());
    return `[${parts.join(',')}]`;
  }

  #point(): string {
    return `[${this.#double()},${this.#double()}]`;
  }

  #uint32(): number {
    const value = this.#view.getUint32(this.#at, this.#little);
    this.#at += 4;
    return value;
  }

  #double(): number {
    const value = this.#view.getFloat64(this.#at, this.#little);
    this.#at += 8;
    return value;
  }
}
