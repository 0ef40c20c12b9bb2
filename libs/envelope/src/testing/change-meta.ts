import { type ChangeMeta, TransactionContext } from '../transaction.ts';

/* Shared by the tests of this package only. */

export const GTID = '04e31c79-e4f3-11f1-85ee-02fc00000001:3652';

/** Of the third change of a transaction. */
export function changeMeta(rest: Partial<ChangeMeta> = {}): ChangeMeta {
  const transaction = new TransactionContext().start({
    gtid: GTID,
    commitMicros: 1_795_191_781_586_016n,
    file: 'binlog.000005',
    serverId: 4_294_967_295,
  });
  return {
    transaction,
    position: 420_834_924,
    row: 7,
    readMs: 1_795_191_781_612,
    totalOrder: 3,
    tableOrder: 2,
    ...rest,
  };
}
