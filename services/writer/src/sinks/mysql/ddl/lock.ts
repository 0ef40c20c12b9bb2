import { createHash } from 'node:crypto';
import type { MysqlConfig } from '../config.ts';
import { quoted } from '../literal.ts';

/** The server's lock (GET_LOCK) of who changes a writer's tables, as a literal: one of its members that carries out a statement, or a replay that exchanges them. */
export function ddlLock({ stateDatabase }: Pick<MysqlConfig, 'stateDatabase'>, writer: string): string {
  return quoted(`tapline ${createHash('sha256').update(`${stateDatabase}\0${writer}`).digest('hex').slice(0, 40)}`);
}
