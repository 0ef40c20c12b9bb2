import { expect, test } from '@jest/globals';
import { type ConfigDeclaration, loadConfig, type ServiceCommand, withServiceConfig } from '@tapline/kernel';
import { generatedFiles, serviceFor, undocumented } from './documents.ts';

function service(name: string, fields: ConfigDeclaration['fields']): ServiceCommand {
  const metrics = [{ rows: { type: 'counter', name: `tapline_${name}_rows_total`, doc: 'Rows.' } }] as const;
  const config = withServiceConfig({ name, doc: `The ${name}.`, fields });
  return { name, summary: name, config, metrics, load: (input) => loadConfig(config, input), run: async () => 0 };
}

const reader = service('reader', {
  source: { type: 'group', doc: 'Source.', fields: {} },
  kafka: { type: 'text', doc: 'Kafka.' },
});
const writer = service('writer', {
  source: { type: 'group', doc: 'Source.', fields: {} },
  sink: { type: 'text', doc: 'Sink.' },
});

test('a page and a schema for each service, and the pages of errors and metrics', () => {
  const files = generatedFiles([reader, writer], {});
  expect(files.map(({ path }) => path)).toEqual([
    'docs/reference/reader.md',
    'schemas/reader.schema.json',
    'docs/reference/writer.md',
    'schemas/writer.schema.json',
    'docs/reference/errors.md',
    'docs/reference/metrics.md',
    'helm/tapline/values.schema.json',
    'helm/tapline/README.md',
  ]);
  for (const { path, text } of files) {
    expect(text.endsWith('\n')).toBe(true);
    if (path.startsWith('schemas/')) expect(JSON.parse(text)).toHaveProperty('properties.admin');
  }
  const [metrics, values] = files.slice(-3);
  expect(metrics?.text).toContain('tapline_writer_rows_total');
  expect(JSON.parse(values?.text ?? '')).toHaveProperty('definitions.writer.properties.sink');
});

test('a file belongs to the service that knows most of its keys', () => {
  expect(serviceFor(['source', 'sink'], [reader, writer])?.name).toBe('writer');
  expect(serviceFor(['source', 'kafka', 'typo'], [reader, writer])?.name).toBe('reader');
  expect(serviceFor([], [reader, writer])?.name).toBe('reader');
});

test('a key without documentation is named', () => {
  const silent = service('silent', { said: { type: 'text', doc: 'Said.' }, unsaid: { type: 'text' } });
  expect(undocumented([reader, silent])).toEqual(['silent: unsaid']);
});
