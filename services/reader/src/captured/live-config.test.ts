import { expect, test } from '@jest/globals';
import type { ReaderConfig } from '../config.ts';
import { merged } from './live-config.ts';

const config = {
  name: 'shop',
  source: { host: 'db', include: ['shop.*'], exclude: [], ghostTables: 'skip' },
  keys: {},
  shape: { rules: [] },
  snapshot: { mode: 'initial' },
  kafka: { brokers: ['k:9092'] },
} as unknown as ReaderConfig;

test('what may change while the reader runs is taken over, the rest is named', () => {
  const source = { ...config.source, include: ['shop.*', 'crm.*'], host: 'other' };
  const { next, changed, restart } = merged(config, { ...config, source, keys: { 'crm.log': 'append' }, name: 'x' });
  expect(changed).toEqual(['source.include', 'keys']);
  expect(restart).toEqual(['name', 'source']);
  expect(next).toEqual({
    ...config,
    source: { ...config.source, include: source.include },
    keys: { 'crm.log': 'append' },
  });
});

test('nothing differs', () => {
  expect(merged(config, structuredClone(config))).toEqual({ next: config, changed: [], restart: [] });
});
