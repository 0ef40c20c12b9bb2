import { expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import { neverAborted } from '@tapline/sink';
import { Outcome } from '../outcome.ts';
import { appendIndexLine, BulkSender, bulkOf, deleteEntry, indexEntry, type TextEntry } from './bulk.ts';
import type { SearchAnswer, SearchClient, SearchRequest } from './client.ts';
import { JsonBytes } from './json-bytes.ts';

const signal = neverAborted();

/** Answers each request by what it holds, and keeps the bodies. */
class Script implements SearchClient {
  readonly address = 'http://script';
  readonly bodies: string[] = [];
  readonly #answer: (body: string) => SearchAnswer;

  constructor(answer: (body: string) => SearchAnswer) {
    this.#answer = answer;
  }

  send({ body = '' }: SearchRequest): Promise<SearchAnswer> {
    const text = body.toString();
    this.bodies.push(text);
    return Promise.resolve(this.#answer(text));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const at = { index: 'a', id: '1', routing: undefined };

function entries(count: number): TextEntry[] {
  return Array.from({ length: count }, (_, change) => {
    const lines = indexEntry({ ...at, id: `d${change}` }, 1n, '{}');
    return { change, index: 'a', lines, leaving: false };
  });
}

const allWell = (body: string): SearchAnswer => ({
  status: 200,
  body: { errors: false, items: body.match(/"_id"/g)?.map(() => ({ index: { status: 201 } })) ?? [] },
});

async function sent(script: Script, list: readonly TextEntry[], bulkBytes = 1_000_000): Promise<Outcome> {
  const outcome = new Outcome(list.length);
  await new BulkSender({ client: script, bulkBytes, pipeline: undefined }).send(bulkOf(list), outcome, signal);
  return outcome;
}

test('versions and routing are written with all their digits', () => {
  expect(indexEntry({ ...at, routing: 'ä"' }, 2n ** 63n - 1n, '{"a":1}')).toBe(
    '{"index":{"_index":"a","_id":"1","routing":"ä\\"","version":9223372036854775807,"version_type":"external"}}\n{"a":1}\n',
  );
  expect(deleteEntry(at, 5n)).toBe('{"delete":{"_index":"a","_id":"1","version":5,"version_type":"external"}}\n');
});

test.each([0n, 7n, 999_999_999n, 1_000_000_000n, 9_007_199_254_740_993n, 1_795_325_484_639_000_001n, 2n ** 63n - 1n])(
  'the line in front of a document is the same as bytes, with version %i',
  (version) => {
    const out = new JsonBytes();
    for (const place of [at, { index: 'ä-2026.01', id: 'x"\\ä\u0007', routing: 'ä"' }, { ...at, routing: 'r' }]) {
      appendIndexLine(out, place, version);
      out.json('{}\n');
      expect(out.view().toString()).toBe(indexEntry(place, version, '{}'));
      out.clear();
    }
  },
);

test('a request ends before its limit of bytes, and one larger document still goes', async () => {
  const script = new Script(allWell);
  const one = entries(1)[0]?.lines.length ?? 0;
  const outcome = await sent(script, entries(5), 2 * one);
  expect(script.bodies.map((body) => body.length / one)).toEqual([2, 2, 1]);
  expect(script.bodies.join('')).toBe(bulkOf(entries(5)).bytes.toString());
  expect(outcome.result().verdicts).toEqual(Array.from({ length: 5 }, () => 'applied'));
  const small = new Script(allWell);
  await sent(small, entries(2), 1);
  expect(small.bodies).toHaveLength(2);
});

test('413: halves are tried, down to the one document that is too large, which is poison', async () => {
  const script = new Script((body) => (body.includes('"d2"') ? { status: 413, body: '' } : allWell(body)));
  const { verdicts, errors } = (await sent(script, entries(4))).result();
  expect(verdicts).toEqual(['applied', 'applied', 'poison', 'applied']);
  expect(errors.get(2)?.code).toBe('SINK_SEARCH_TOO_LARGE');
});

test.each([
  [429, 'circuit_breaking_exception', 'SINK_SEARCH_BUSY'],
  [429, 'es_rejected_execution_exception', 'SINK_SEARCH_BUSY'],
  [503, 'unavailable_shards_exception', 'SINK_SEARCH_NOT_READY'],
  [503, 'cluster_block_exception', 'SINK_SEARCH_NOT_READY'],
  [502, '', 'SINK_SEARCH_NOT_READY'],
])(
  '%i %s as a whole: every change is tried again (%s), and what is behind it is not sent',
  async (status, type, code) => {
    const script = new Script(() => ({ status, body: type === '' ? 'bad gateway' : { error: { type, reason: 'r' } } }));
    const { verdicts, errors } = (await sent(script, entries(3), 1)).result();
    expect(verdicts).toEqual(['retry', 'retry', 'retry']);
    expect(errors.get(2)?.code).toBe(code);
    expect(script.bodies).toHaveLength(1);
  },
);

test('a request that the store never takes fails what it held and what is behind it, and not what was answered before', async () => {
  const unreachable = new TaplineError('SINK_SEARCH_UNREACHABLE', { message: 'gone' });
  const script = new Script((body) => {
    if (body.includes('"d1"')) throw unreachable;
    return allWell(body);
  });
  const { verdicts, errors } = (await sent(script, entries(3), 1)).result();
  expect(verdicts).toEqual(['applied', 'retry', 'retry']);
  expect([errors.get(1), errors.get(2)]).toEqual([unreachable, unreachable]);
  expect(script.bodies).toHaveLength(2);
});

test.each([
  [401, 'security_exception', 'SINK_SEARCH_ACCESS'],
  [403, 'security_exception', 'SINK_SEARCH_ACCESS'],
  [401, '', 'SINK_SEARCH_ACCESS'],
  [400, 'illegal_argument_exception', 'SINK_SEARCH_FAILED'],
  [400, 'parse_exception', 'SINK_SEARCH_FAILED'],
  [500, 'null_pointer_exception', 'SINK_SEARCH_FAILED'],
])('%i %s as a whole stops the writer: %s', async (status, type, code) => {
  const script = new Script(() => ({ status, body: type === '' ? '' : { error: { type, reason: 'r' } } }));
  const outcome = await sent(script, entries(2));
  expect(() => outcome.result()).toThrow(expect.objectContaining({ code, disposition: 'fatal' }));
});

test.each([
  [409, 'version_conflict_engine_exception', 'stale', undefined],
  [400, 'mapper_parsing_exception', 'poison', 'SINK_SEARCH_MAPPING'],
  [400, 'document_parsing_exception', 'poison', 'SINK_SEARCH_MAPPING'],
  [400, 'strict_dynamic_mapping_exception', 'poison', 'SINK_SEARCH_MAPPING'],
  [400, 'illegal_argument_exception', 'poison', 'SINK_SEARCH_MAPPING'],
  [400, 'index_closed_exception', 'retry', 'SINK_SEARCH_CLOSED'],
  [403, 'cluster_block_exception', 'retry', 'SINK_SEARCH_READ_ONLY'],
  [429, 'cluster_block_exception', 'retry', 'SINK_SEARCH_FULL'],
  [429, 'es_rejected_execution_exception', 'retry', 'SINK_SEARCH_BUSY'],
  [503, 'unavailable_shards_exception', 'retry', 'SINK_SEARCH_NOT_READY'],
])('an item with %i %s: %s', async (status, type, verdict, code) => {
  const error = { type, reason: 'outer', caused_by: { type: 'x', reason: 'inner' } };
  const items = [{ index: { status: 201 } }, { index: { status, error } }, { delete: { status: 404 } }];
  const script = new Script(() => ({ status: 200, body: { errors: true, items } }));
  const { verdicts, errors } = (await sent(script, entries(3))).result();
  expect(verdicts).toEqual(['applied', verdict, 'applied']);
  expect(errors.get(1)?.code).toBe(code);
  if (code !== undefined) expect(errors.get(1)?.message).toContain('outer ← inner');
});

test('an answer that does not fit the request is nobody’s success', async () => {
  const script = new Script(() => ({ status: 200, body: { errors: false, items: [] } }));
  await expect(sent(script, entries(1))).rejects.toMatchObject({ code: 'SINK_SEARCH_FAILED' });
});
