import { TaplineError } from '@tapline/kernel';
import { readHeader } from '../record-reader.ts';

/** The header of a record whose whole value stands in the claims topic. */
export const CLAIM_HEADER = 'claim';

/** Where a value stands that was too large for its record: pieces at consecutive offsets of one partition, to be joined. */
export interface Claim {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first piece. */
  readonly first: bigint;
  readonly pieces: number;
  /** Length of the whole value. */
  readonly bytes: number;
  /** CRC-32C of the whole value. */
  readonly crc32c: number;
}

const FORMAT = 1;
/** A buffer for more is not asked for, whatever a header says; a row of MySQL has less. */
const MAX_BYTES = 0x7fff_ffff;

/**
 * The value of the header: JSON, so that consumers in any language read it without a schema.
 *
 *   {"format":1,"topic":"shop.claims","partition":0,"first":"41","pieces":10,"bytes":5242891,"crc32c":"0a1b2c3d"}
 */
export function encodeClaim(claim: Claim): Buffer {
  const { topic, partition, first, pieces, bytes } = claim;
  const crc32c = claim.crc32c.toString(16).padStart(8, '0');
  return Buffer.from(JSON.stringify({ format: FORMAT, topic, partition, first: String(first), pieces, bytes, crc32c }));
}

/** The claim in a record's headers; undefined when the record's value is the whole value. @throws TaplineError CLAIM_DAMAGED. */
export function readClaim(headers: Buffer): Claim | undefined {
  const header = readHeader(headers, CLAIM_HEADER);
  if (header === undefined) return undefined;
  const text = header?.toString() ?? '';
  const claim = parse(text);
  if (claim !== undefined) return claim;
  throw new TaplineError('CLAIM_DAMAGED', { message: `The header claim cannot be read: ${text.slice(0, 300)}` });
}

function parse(text: string): Claim | undefined {
  try {
    const raw = JSON.parse(text) as Record<string, unknown>;
    const { format, topic, partition, first, pieces, bytes, crc32c } = raw;
    if (format !== FORMAT || typeof topic !== 'string' || topic === '') return undefined;
    if (!isCount(partition) || !isCount(pieces) || !isCount(bytes) || bytes > MAX_BYTES) return undefined;
    if (typeof first !== 'string' || !/^\d{1,19}$/.test(first)) return undefined;
    if (typeof crc32c !== 'string' || !/^[0-9a-f]{8}$/.test(crc32c)) return undefined;
    return { topic, partition, first: BigInt(first), pieces, bytes, crc32c: Number.parseInt(crc32c, 16) };
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
