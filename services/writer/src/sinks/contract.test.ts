import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { SinkDefinition } from '@tapline/sink';
import { WRITER_CONFIG } from '../config.ts';
import { SINKS } from './index.ts';

const sinks: readonly [string, SinkDefinition][] = Object.entries(SINKS);

describe('every registered sink', () => {
  test.each(sinks)('%s has its own name, words for --help, and a place in the configuration', (type, sink) => {
    expect(sink.type).toBe(type);
    expect(sink.summary).toMatch(/\.$/);
    expect(sink.config.doc).toMatch(/\.$/);
    expect((WRITER_CONFIG.fields.sink.variants as Record<string, unknown>)[type]).toBe(sink.config);
  });

  test.each(sinks)('%s runs the contract suite against a real store', (type) => {
    const file = fileURLToPath(new URL(`./${type}/contract.it.test.ts`, import.meta.url));
    expect(existsSync(file)).toBe(true);
    const source = readFileSync(file, 'utf8');
    // All cases, but for what the store cannot have, which is said with its reason.
    expect(source).toMatch(/test\.each\(contractCases\((without|\{[^}]*\})?\)\)/);
    expect(source).not.toMatch(/\b(skip|only|todo|filter|failing)\b/);
  });
});
