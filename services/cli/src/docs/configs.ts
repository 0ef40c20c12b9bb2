import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printableError, readConfigFile, type ServiceCommand } from '@tapline/kernel';
import { serviceFor } from '../config/documents.ts';
import { SERVERS, variableName } from '../up/addresses.ts';
import { type Block, type Page, type Problem, problem } from './page.ts';

type Keys = Readonly<Record<string, unknown>>;

/** What a part of a file is put into, so that it is one. */
const REST: Readonly<Record<string, Keys>> = {
  reader: { name: 'shop', source: { user: 'cdc' }, kafka: { brokers: ['127.0.0.1:9092'] } },
  writer: {
    name: 'shop-to-redis',
    source: { brokers: ['127.0.0.1:9092'], topics: ['shop.shop.orders'] },
    sink: { type: 'redis' },
  },
};

/**
 * Configurations that a page shows and the service would refuse. The words behind `yaml` say what a block is: `reader` or `writer`, a whole file;
 * with `part`, keys of one; with `at KEY`, what stands below a key. `values` are the chart's, and rendered by its tests. `other` is no configuration of ours. Without a word its keys tell the service.
 */
export function wrongConfigs(pages: readonly Page[], services: readonly ServiceCommand[]): Problem[] {
  const folder = mkdtempSync(join(tmpdir(), 'tapline-docs-'));
  try {
    const file = join(folder, 'shown.yaml');
    return pages.flatMap((page) =>
      page.blocks
        .filter(({ info }) => /^ya?ml\b/.test(info))
        .flatMap((block) => {
          const wrong = faultOf(block, file, services);
          return wrong === undefined ? [] : [problem(page, block.line, wrong)];
        }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function faultOf(block: Block, file: string, services: readonly ServiceCommand[]): string | undefined {
  const [, name, how, key] = block.info.split(/\s+/);
  try {
    writeFileSync(file, how === 'at' ? below(key ?? '', block.text) : block.text);
    const keys = readConfigFile(file);
    if (name === 'other' || name === 'values') return undefined;
    const service =
      name === undefined ? serviceFor(Object.keys(keys), services) : services.find((one) => one.name === name);
    if (service === undefined) return `yaml ${name}: neither reader, writer, values nor other`;
    if (how !== undefined && how !== 'part' && how !== 'at') return `yaml ${name} ${how}: neither part nor at KEY`;
    const whole = name !== undefined && how === undefined;
    const shown = whole ? keys : completed(keys, REST[service.name] ?? {});
    writeFileSync(file, JSON.stringify(shown));
    service.load({ file, env: variablesIn(block.text) });
    return undefined;
  } catch (error) {
    return printableError(error).replaceAll(file, 'yaml');
  }
}

/** The text as it stands below `a.b`. */
function below(key: string, text: string): string {
  const margin = Math.min(...text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.search(/\S/)])));
  const parts = key.split('.');
  const opened = parts.map((part, depth) => `${'  '.repeat(depth)}${part}:`);
  const indent = '  '.repeat(parts.length);
  return [...opened, ...text.split('\n').map((line) => indent + line.slice(margin))].join('\n');
}

/** `rest` where the keys say nothing; a file with several readers is whole. */
function completed(keys: Keys, rest: Keys): Keys {
  if ('readers' in keys) return keys;
  const result: Record<string, unknown> = { ...rest, ...keys };
  for (const [name, value] of Object.entries(keys)) {
    const other = rest[name];
    // The variant that a part is about has keys of its own.
    if (isKeys(value) && isKeys(other) && !('type' in value)) result[name] = { ...other, ...value };
  }
  return result;
}

function isKeys(value: unknown): value is Keys {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value for every variable that the text asks for: `MYSQL_PORT`, `KAFKA` and the like as `tapline status --env` sets them, a secret for any other. */
function variablesIn(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name = '']) => name);
  return Object.fromEntries(names.map((name) => [name, valueOf(name)]));
}

function valueOf(name: string): string {
  if (name.endsWith('_PORT')) return '3306';
  return SERVERS.some((server) => variableName(server) === name) ? '127.0.0.1:9092' : 'x'.repeat(16);
}
