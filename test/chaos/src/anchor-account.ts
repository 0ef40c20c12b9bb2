import type { MysqlServer } from '@tapline/test-stack';

/** The small account that writes anchors, as `source.anchors` has it. */
const ACCOUNT = { user: 'anchors', password: 'small' };

/** Makes the account on the source of a topology. @returns what a reader's `source.anchors` says of it. */
export async function anchorAccount(source: MysqlServer): Promise<typeof ACCOUNT> {
  await source.execute(
    `CREATE USER '${ACCOUNT.user}'@'%' IDENTIFIED BY '${ACCOUNT.password}';
     GRANT CREATE, SELECT, INSERT, DELETE ON \`__db_mysync\`.* TO '${ACCOUNT.user}'@'%'`,
  );
  return ACCOUNT;
}
