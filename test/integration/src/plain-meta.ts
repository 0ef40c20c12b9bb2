import { type ChangeMeta, TransactionContext } from '@tapline/envelope';

/** Of a change whose values are looked at and nothing else. */
export const PLAIN_META: ChangeMeta = {
  transaction: new TransactionContext().start({ gtid: '', commitMicros: 0n, file: 'f', serverId: 1 }),
  position: 0,
  row: 0,
  readMs: 0,
  totalOrder: 0,
  tableOrder: 0,
};
