import { CLAIM_HEADER, type Claim, type FetchedRecord, readClaim } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

/** Count 1, key length 1, `v`, value length 8 (each a zigzag varint), and eight bytes. */
const VERSION_ONLY_BYTES = 12;
const CLAIM_NAME = Buffer.from(CLAIM_HEADER);
/** One 64-bit number and its halves, the low one first: every platform that Node runs on is little endian. Node's own reading makes four numbers to give one. */
const HALVES_AS_BIG = new BigInt64Array(1);
const HALVES = new Int32Array(HALVES_AS_BIG.buffer);

/** A reader's records have one header, the version: that is seen at a glance. Everything else is looked through. */
export function hasOnlyVersion({ bytes, headersStart: at, end }: FetchedRecord): boolean {
  return (
    end - at === VERSION_ONLY_BYTES &&
    bytes[at] === 2 &&
    bytes[at + 1] === 2 &&
    bytes[at + 2] === 0x76 &&
    bytes[at + 3] === 16
  );
}

/** The version of a record that has nothing else: 8 bytes, big endian. */
export function onlyVersion({ bytes, end }: FetchedRecord): bigint {
  HALVES[1] = at32(bytes, end - 8);
  HALVES[0] = at32(bytes, end - 4);
  return HALVES_AS_BIG[0] as bigint;
}

function at32(bytes: Buffer, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16);
  return high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}

/** Where the record's whole value is, when the reader has put it aside. @throws TaplineError CLAIM_DAMAGED. */
export function claimOf(record: FetchedRecord): Claim | undefined {
  if (hasOnlyVersion(record)) return undefined;
  const { headers } = record;
  // Most records with more headers have no claim either, and reading them one by one takes longer than this look.
  return headers.includes(CLAIM_NAME) ? readClaim(headers) : undefined;
}

/** Bytes of a value that was put aside, for who only counts: a claim that cannot be read is told of when the record is decoded. */
export function claimedBytes(record: FetchedRecord): number {
  try {
    return claimOf(record)?.bytes ?? 0;
  } catch (error) {
    if (error instanceof TaplineError) return 0;
    throw error;
  }
}
