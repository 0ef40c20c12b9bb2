import { createHmac } from 'node:crypto';
import { TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';

/**
 * The part of the configuration that decides which records a stretch of binlog gives, and in which order: what a replay must go by to meet the records that
 * an earlier life has left. Kept in the progress record. Without secrets: of the salt there is a print.
 */
export interface ReplayConfig {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly ghostTables: ReaderConfig['source']['ghostTables'];
  /** Absent: none. */
  readonly skipOrigins?: readonly string[];
  readonly keys: ReaderConfig['keys'];
  readonly tombstones: boolean;
  readonly rules: ReaderConfig['shape']['rules'];
  readonly transactions: Pick<ReaderConfig['transactions'], 'maxBytes' | 'oversize' | 'only'>;
  /** '' without a salt. */
  readonly saltPrint: string;
}

const PRINT_CHARACTERS = 16;

export function replayConfigOf({ source, keys, topics, shape, transactions }: ReaderConfig): ReplayConfig {
  const { include, exclude, ghostTables, skipOrigins } = source;
  const { maxBytes, oversize, only } = transactions;
  return {
    include,
    exclude,
    ghostTables,
    ...(skipOrigins.length === 0 ? {} : { skipOrigins }),
    keys,
    tombstones: topics.tombstones,
    rules: shape.rules,
    transactions: { maxBytes, oversize, only },
    saltPrint: saltPrintOf(shape),
  };
}

/** Tells one salt from another, and does not tell it. */
export function saltPrintOf({ salt }: Pick<ReaderConfig['shape'], 'salt'>): string {
  if (salt === undefined) return '';
  return createHmac('sha256', salt).update('tapline').digest('hex').slice(0, PRINT_CHARACTERS);
}

/** Whether a replay under this configuration would give other records; no, when the record does not say. */
export function isOtherConfig(config: ReaderConfig, last: ReplayConfig | undefined): boolean {
  return last !== undefined && JSON.stringify(last) !== JSON.stringify(replayConfigOf(config));
}

/**
 * The configuration that the tail beyond a progress record was published under, when it is another one than is asked for; undefined: they agree, or the record does not
 * say. The reader first replays the tail under it, up to the end of the transaction in which nothing is left to be met again, and goes on from there as it is asked.
 * So a filter may be changed at any time, also between a kill and the next start, and neither loses nor doubles anything.
 *
 * Rejected: to refuse another configuration while there is a tail. It takes a person, and the old configuration, to get on.
 *
 * @throws TaplineError SHAPE_SALT_CHANGED: keys may be hashed, and their records then stand in other partitions than a replay would look for them in.
 */
export function configOfTail(config: ReaderConfig, last: ReplayConfig | undefined): ReaderConfig | undefined {
  if (last === undefined || !isOtherConfig(config, last)) return undefined;
  const asked = replayConfigOf(config);
  const { include, exclude, ghostTables, skipOrigins = [], keys, tombstones, rules, transactions, saltPrint } = last;
  if (saltPrint !== asked.saltPrint && rules.some(({ hash }) => hash.length > 0)) {
    throw new TaplineError('SHAPE_SALT_CHANGED', {
      message:
        'The salt of hashed columns was changed, and the topics hold records beyond the progress record that were made with the old one.',
      place: { source: config.name, path: 'shape.salt' },
    });
  }
  return {
    ...config,
    source: { ...config.source, include, exclude, ghostTables, skipOrigins },
    keys,
    topics: { ...config.topics, tombstones },
    shape: { ...config.shape, rules },
    transactions: { ...config.transactions, ...transactions },
  };
}
