import { CLAIM_HEADER, type Claim, type KafkaRecord, readClaim } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

/** Count 1, key length 1, `v`, value length 8 (each a zigzag varint), and eight bytes. */
const VERSION_ONLY_BYTES = 12;
const CLAIM_NAME = Buffer.from(CLAIM_HEADER);

/** A reader's records have one header, the version: that is seen at a glance. Everything else is looked through. */
export function hasOnlyVersion(headers: Buffer): boolean {
  return (
    headers.length === VERSION_ONLY_BYTES &&
    headers[0] === 2 &&
    headers[1] === 2 &&
    headers[2] === 0x76 &&
    headers[3] === 16
  );
}

/** Where the record's whole value is, when the reader has put it aside. @throws TaplineError CLAIM_DAMAGED. */
export function claimOf({ headers }: KafkaRecord): Claim | undefined {
  // Most records with more headers have no claim either, and reading them one by one takes longer than this look.
  return hasOnlyVersion(headers) || !headers.includes(CLAIM_NAME) ? undefined : readClaim(headers);
}

/** Bytes of a value that was put aside, for who only counts: a claim that cannot be read is told of when the record is decoded. */
export function claimedBytes(record: KafkaRecord): number {
  try {
    return claimOf(record)?.bytes ?? 0;
  } catch (error) {
    if (error instanceof TaplineError) return 0;
    throw error;
  }
}
