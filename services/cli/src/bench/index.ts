import { EXIT_OK, TaplineError } from '@tapline/kernel';
import {
  APPLY_STORES,
  type ApplyStoreName,
  BENCHES,
  type BenchName,
  DECODE_TABLES,
  FORMATS,
  type FormatName,
  resultJson,
  resultTable,
  runBench,
  SHAPES,
  type ShapeName,
} from '@tapline/test-bench';
import { numberFlag, type Parsed, parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';

const NAMES = Object.keys(BENCHES) as BenchName[];

const HELP = `tapline bench ${NAMES.join('|')} [flags]

Measures Tapline on servers of its own, on this machine, beside what limits it in the same run. Quiet machine, please: the load before is printed.
${NAMES.map((name) => `  ${name.padEnd(12)} ${BENCHES[name].summary} (${BENCHES[name].rows.toLocaleString('en')} rows)`).join('\n')}
  --rows N          other than that
  --runs N          so often; the table shows medians (default 1)
  --peer [debezium] Debezium in Kafka Connect beside it, fetched with Maven; catchup: its source, apply --sink mysql: its JDBC sink
  --format NAME     catchup, apply: what the reader writes: ${Object.keys(FORMATS).join(', ')}
  --shape NAME      shapes: only this one; profile: of this one; there are ${Object.keys(SHAPES).join(', ')}
  --sink NAME       apply: into which store: ${Object.keys(APPLY_STORES).join(', ')}
  --table NAME      decode: only ${DECODE_TABLES.map(({ name }) => name).join(', ')}
  --svg FILE        profile: writes the flame graph there
  --compressed      memory: the transaction is compressed in the binlog
  --throttle-mb N   memory: Kafka takes no more than N MiB a second
  --rate N          latency: rows a second (default 1,000), each a transaction
  --half            latency: half of the rate that MySQL, reader, broker and a consumer sustain together on this machine
  --json            every run as JSON on stdout, instead of the table
  --short           some seconds, to see that it works; the figures mean nothing
`;

function benchName(given: readonly string[]): BenchName {
  const name = NAMES.find((candidate) => candidate === given[0]);
  if (name !== undefined && given.length === 1) return name;
  throw new TaplineError('CONFIG_INVALID', {
    message: `tapline bench wants one of ${NAMES.join(', ')}, not ${JSON.stringify(given.join(' '))}.`,
    remedy: 'tapline bench --help says what each measures.',
  });
}

function peerOf(name: BenchName, { values }: Parsed): { peer?: 'debezium' } {
  const { peer: value, sink = 'mysql' } = values;
  if (value === undefined) return {};
  if (value === 'debezium' && (name === 'catchup' || (name === 'apply' && sink === 'mysql')))
    return { peer: 'debezium' };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--peer ${String(value)} is not known for ${name}; there is --peer debezium for catchup and apply --sink mysql.`,
  });
}

function formatOf(name: BenchName, value: string | boolean | undefined): { format?: FormatName } {
  if (value === undefined) return {};
  if ((name === 'catchup' || name === 'apply') && typeof value === 'string' && Object.hasOwn(FORMATS, value))
    return { format: value as FormatName };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--format ${String(value)} is not known for ${name}; catchup and apply have ${Object.keys(FORMATS).join(', ')}.`,
  });
}

function shapeOf(name: BenchName, value: string | boolean | undefined): { shape?: ShapeName } {
  if (value === undefined) return {};
  if ((name === 'shapes' || name === 'profile') && typeof value === 'string' && Object.hasOwn(SHAPES, value))
    return { shape: value as ShapeName };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--shape ${String(value)} is not known for ${name}; shapes and profile have ${Object.keys(SHAPES).join(', ')}.`,
  });
}

function tableOf(name: BenchName, value: string | boolean | undefined): { table?: string } {
  if (value === undefined) return {};
  const names = DECODE_TABLES.map((table) => table.name);
  if ((name === 'decode' || name === 'instructions') && typeof value === 'string' && names.includes(value))
    return { table: value };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--table ${String(value)} is not known for ${name}; decode has ${names.join(', ')}.`,
  });
}

function sinkOf(name: BenchName, value: string | boolean | undefined): { sink?: ApplyStoreName } {
  if (value === undefined) return {};
  if (name === 'apply' && typeof value === 'string' && Object.hasOwn(APPLY_STORES, value))
    return { sink: value as ApplyStoreName };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--sink ${String(value)} is not known for ${name}; apply has ${Object.keys(APPLY_STORES).join(', ')}.`,
  });
}

function svgOf(name: BenchName, value: string | boolean | undefined): { svg?: string } {
  if (value === undefined) return {};
  if (name === 'profile' && typeof value === 'string') return { svg: value };
  throw new TaplineError('CONFIG_INVALID', { message: `--svg is for profile, not for ${name}.` });
}

function memoryOf(name: BenchName, parsed: Parsed): { compressed?: boolean; throttleMib?: number } {
  const { compressed, 'throttle-mb': throttle } = parsed.values;
  if (compressed === undefined && throttle === undefined) return {};
  if (name === 'memory')
    return { compressed: compressed === true, throttleMib: numberFlag(parsed, 'throttle-mb', 0, 1) };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--compressed and --throttle-mb are for memory, not for ${name}.`,
  });
}

function rateOf(name: BenchName, parsed: ReturnType<typeof parseFlags>): { rate?: number; half?: boolean } {
  const { rate, half } = parsed.values;
  if (rate === undefined && half !== true) return {};
  if (name !== 'latency' || (rate !== undefined && half === true)) {
    throw new TaplineError('CONFIG_INVALID', { message: '--rate or --half are for latency, one of them.' });
  }
  return half === true ? { half } : { rate: numberFlag(parsed, 'rate', 0, 1) };
}

/** There is one peer: --peer alone means it. */
function withPeer(args: readonly string[]): readonly string[] {
  return args.flatMap((arg, at) =>
    arg === '--peer' && !/^[^-]/.test(args[at + 1] ?? '') ? ['--peer', 'debezium'] : [arg],
  );
}

async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const parsed = parseFlags(withPeer(args), {
    rows: text,
    runs: text,
    peer: text,
    format: text,
    shape: text,
    sink: text,
    svg: text,
    table: text,
    rate: text,
    half: { type: 'boolean' },
    compressed: { type: 'boolean' },
    'throttle-mb': text,
    json: { type: 'boolean' },
    short: { type: 'boolean' },
  });
  const { values, positionals } = parsed;
  if (values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  const name = benchName(positionals);
  const result = await runBench(name, {
    ...(values['rows'] === undefined ? {} : { rows: numberFlag(parsed, 'rows', 0, 1) }),
    runs: numberFlag(parsed, 'runs', 1, 1),
    ...peerOf(name, parsed),
    ...formatOf(name, values['format']),
    ...shapeOf(name, values['shape']),
    ...tableOf(name, values['table']),
    ...sinkOf(name, values['sink']),
    ...rateOf(name, parsed),
    ...memoryOf(name, parsed),
    ...svgOf(name, values['svg']),
    short: values['short'] === true,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${values['json'] === true ? resultJson(result) : resultTable(result)}\n`);
  return EXIT_OK;
}

export const bench: CliCommand = { run };
