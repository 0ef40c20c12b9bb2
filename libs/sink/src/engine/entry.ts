import type { Change } from '@tapline/envelope';
import type { KafkaRecord } from '@tapline/kafka';
import type { PartitionLedger } from './ledger.ts';

/** One change on its way through a lane to the sink. */
export interface Entry {
  readonly change: Change;
  readonly ledger: PartitionLedger;
  /** The record's place in the ledger. */
  readonly ticket: number;
  /** Bytes of key and value: what the change counts in the budget. */
  readonly bytes: number;
  /** The record as it came, kept only where it may have to be parked. */
  readonly record: KafkaRecord | undefined;
  readonly offset: number;
}
