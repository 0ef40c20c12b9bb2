import type { Change, Row } from '@tapline/sink';
import type { WriterConfig } from '../config.ts';
import { command } from '../index.ts';
import { openTransform } from '../pipeline.ts';

export type { Change, Row, Value } from '@tapline/sink';
export { defineTransform, type TransformModule } from './module.ts';

/** What a test says of a change; the rest is that of an ordinary one. */
export interface SampleChange {
  readonly key: Row | null;
  readonly before?: Row | null;
  readonly after?: Row | null;
  /** Default: by the rows that are given. */
  readonly op?: Change['op'];
  /** `<database>.<table>`. Default `shop.orders`. */
  readonly table?: string;
  readonly version?: bigint;
  readonly absent?: Change['absent'];
}

/** A change to try transforms on, in the topic `test.<database>.<table>`. Values as ChangeReader gives them: DECIMAL text, BIGINT bigint, bytes Uint8Array. */
export function sampleChange({
  key,
  before = null,
  after = null,
  table = 'shop.orders',
  ...rest
}: SampleChange): Change {
  const [db = '', name = ''] = table.split('.');
  const source = { name: 'test', db, table: name, ts_ms: 0, gtid: null, file: '', pos: 0, row: 0, snapshot: 'false' };
  const op = rest.op ?? (after === null ? 'd' : before === null ? 'c' : 'u');
  const { version = 1n, absent = null } = rest;
  return { topic: `test.${table}`, key, op, before, after, source, absent, version, tombstone: false };
}

/**
 * The transforms of a writer's configuration file, modules included, as the writer applies them: for an app team's own tests. Gives the change to
 * write, undefined when it is left out.
 *
 * @throws TaplineError CONFIG_…, TRANSFORM_MODULE; the function throws TRANSFORM_FAILED, TRANSFORM_COLUMN, ROW_PARTIAL.
 */
export async function transformsOf(
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<(change: Change) => Change | undefined> {
  return await openTransform(command.load({ file, env }).value as WriterConfig, file);
}
