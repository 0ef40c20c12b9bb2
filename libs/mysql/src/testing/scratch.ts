import { randomBytes } from 'node:crypto';
import type { MysqlConnection } from '../connection.ts';
import { quoteName } from '../quote.ts';

/** A name that no other run uses. */
export function uniqueName(stem: string): string {
  return `${stem}_${process.pid}_${randomBytes(4).toString('hex')}`;
}

export async function dropDatabase(connection: MysqlConnection, name: string): Promise<void> {
  await connection.execute(`DROP DATABASE IF EXISTS ${quoteName(name)}`);
}
