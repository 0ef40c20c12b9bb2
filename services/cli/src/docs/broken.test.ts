import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { command as reader } from '@tapline/reader';
import { command as writer } from '@tapline/writer';
import { COMMANDS } from '../commands.ts';
import { commandLines, wrongCommandLines } from './command-lines.ts';
import { wrongConfigs } from './configs.ts';
import { brokenLinks, staleCode } from './links.ts';
import { unknownNames } from './names.ts';
import { type Page, parsePage } from './page.ts';

const SERVICES = [reader, writer];

function page(...lines: readonly string[]): Page {
  return parsePage('docs/broken.md', lines.join('\n'));
}

function fenced(info: string, ...lines: readonly string[]): Page {
  return page(`\`\`\`${info}`, ...lines, '```');
}

test('a link to a missing file, heading or test is told with its place', () => {
  const root = mkdtempSync(join(tmpdir(), 'tapline-docs-'));
  try {
    mkdirSync(join(root, 'docs'));
    writeFileSync(join(root, 'docs/broken.md'), '');
    writeFileSync(
      join(root, 'docs/x.test.ts'),
      "test('it holds', () => {});\ntest.each([1])('it holds %s', () => {});\n",
    );
    const broken = page(
      '# A `head`, twice',
      '# A `head`, twice',
      '[good](#a-head-twice) [good](#a-head-twice-1) [good](https://example.org) [it holds](x.test.ts) [x.test.ts](x.test.ts)',
      '[it holds %s](x.test.ts) `[no link](nowhere.md)`',
      '[bad](nowhere.md)',
      '[bad](#a-head-thrice)',
      '[it does not hold](x.test.ts)',
    );
    expect(brokenLinks([broken], root)).toEqual([
      'docs/broken.md:5: [bad](nowhere.md): docs/nowhere.md does not exist',
      'docs/broken.md:6: [bad](#a-head-thrice): docs/broken.md has no heading #a-head-thrice',
      'docs/broken.md:7: [it does not hold](x.test.ts): docs/x.test.ts has no test of this name',
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('code that is not what stands in its file is told', () => {
  const root = mkdtempSync(join(tmpdir(), 'tapline-docs-'));
  try {
    writeFileSync(join(root, 'x.ts'), 'export {};\n');
    expect(staleCode([fenced('ts x.ts', 'export {};'), fenced('ts', 'any')], root)).toEqual([]);
    expect(staleCode([fenced('ts x.ts', 'export { };'), fenced('ts y.ts', 'export {};')], root)).toHaveLength(2);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('commands are found where people copy them from', () => {
  const shown = page(
    'Text on tapline that is no command, `tapline.shape`, and `tapline schema rebuild FILE`.',
    '',
    '    tapline deadletter list writer.yaml --code SINK_FAILED   # comment',
    '',
    '```sh',
    '# tapline is not run here',
    'helm install tapline helm/tapline --wait',
    'NAME=x ./tapline up',
    'eval "$(./tapline status --env)" && ./tapline writer --config "my file.yaml" \\',
    "  --sink.address 'a:1' 2>log &",
    '```',
  );
  expect(commandLines(shown).map(({ words }) => words)).toEqual([
    ['deadletter', 'list', 'writer.yaml', '--code', 'SINK_FAILED'],
    ['up'],
    ['status', '--env'],
    ['writer', '--config', 'my file.yaml', '--sink.address', 'a:1'],
    ['schema', 'rebuild', 'FILE'],
  ]);
});

test('an unknown command, action, flag or key of a command line is told', async () => {
  const wrong = [
    'tapline raeder --config reader.yaml',
    'tapline schema rebuilt FILE',
    'tapline deadletter list FILE --topics x',
    'tapline reader --source.prt 3306',
    'tapline writer --config w.yaml --limit 3',
    'tapline bench catch-up',
  ];
  const right = [
    'tapline writer --dry-run --config w.yaml --limit 3',
    'tapline schema diff FILE 17 23',
    'tapline reader --source.port 3306',
    'tapline bench catchup --runs 3',
    'tapline up mysql kafka --brokers 3 | tee log',
  ];
  const problems = await wrongCommandLines([fenced('sh', ...wrong, ...right)], COMMANDS, SERVICES);
  expect(problems.map((text) => text.split(':')[1])).toEqual(['2', '3', '4', '5', '6', '7']);
});

test.each([
  ['a key that does not exist', 'yaml reader part', 'kafka: {broker: x}', 'kafka.broker is not a key'],
  ['a value of the wrong type', 'yaml', 'source: {hosts: 3}', 'source.hosts: expected a list'],
  ['a file that is not whole', 'yaml writer', 'name: x', 'source.topics is required'],
  ['a rule that is no rule', 'yaml reader at shape.rules', '    - tabels: [a.b]', 'tabels is not a key'],
  ['a sink that does not exist', 'yaml writer part', 'sink: {type: cassandra}', 'sink.type: expected one of'],
  ['a step that does not compile', 'yaml writer part', 'transform: [{where: "row.x >"}]', 'CONFIG_INVALID'],
  ['no YAML', 'yaml other', 'a: [', 'is not valid YAML'],
  ['a word that says nothing', 'yaml redaer', 'name: x', 'neither reader, writer, values nor other'],
  ['a second word that says nothing', 'yaml reader piece', 'name: x', 'neither part nor at KEY'],
])('%s is told', (_, info, text, told) => {
  expect(wrongConfigs([fenced(info, text)], SERVICES)).toEqual([expect.stringContaining(told)]);
});

test('parts of configurations are completed before they are checked', () => {
  const shown = [
    fenced('yaml', 'source: {hosts: ["a:1"], anchors: {user: a, password: "${env:P}"}}'),
    fenced('yaml writer part', 'sink: {type: elasticsearch, node: "http://a:1"}'),
    fenced('yaml reader at shape.rules', '    - tables: [a.b]', '      where: "id > 3"'),
    fenced('yaml other', 'services: {any: thing}'),
  ];
  expect(wrongConfigs(shown, SERVICES)).toEqual([]);
});

test('names in backticks that do not exist are told', () => {
  const shown = page(
    '`KAFKA_FENCED` `KAFKA_FENCE` `XA_RECOVER_ADMIN` `tapline_reader_lag_seconds` `tapline_reader_lag_minutes`',
    '`source.port` `--source.port 3307` `source.prt` `shape.rules.where` `sink.address: x` `sink.adress` `shop.orders`',
  );
  expect(unknownNames([shown], SERVICES)).toEqual([
    'docs/broken.md:1: KAFKA_FENCE: no error has this code',
    'docs/broken.md:1: tapline_reader_lag_minutes: no metric has this name',
    'docs/broken.md:2: source.prt: no configuration has this key',
    'docs/broken.md:2: sink.adress: no configuration has this key',
  ]);
});
