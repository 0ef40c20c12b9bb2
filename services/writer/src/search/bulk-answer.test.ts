import { expect, test } from '@jest/globals';
import { wellDone } from './bulk-answer.ts';

test.each([
  ['{"errors":false,"items":[{"index":{"status":201}}]}', 1],
  ['{"errors":false,"items":[{"index":{"status":200}},{"delete":{"status":404}},{"index":{"status":201}}]}', 3],
  ['{"errors":false,"items":[]}', 0],
])('%s says that nothing failed, of %i items', (json, items) => {
  expect(wellDone(json)).toMatchObject({ errors: false, items: { length: items } });
});

test.each([
  '{"errors":true,"items":[{"index":{"status":409,"error":{"type":"version_conflict_engine_exception"}}}]}',
  '{"errors":false,"items":[{"index":{"status":201}},{"inde',
  '{"errors":false}',
  '{"took":3,"errors":false,"items":[]}',
  '{"error":{"type":"circuit_breaking_exception"},"status":429}',
  '',
])('%s is left to who reads all of it', (json) => {
  expect(wellDone(json)).toBeUndefined();
});
