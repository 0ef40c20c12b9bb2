import { loadConfig, silentLogger } from '@tapline/kernel';
import { change, NO_TABLES, neverAborted, type Row, type SinkBench } from '@tapline/sink';
import type { MovingAddress } from '@tapline/test-stack';
import { HBASE_CONFIG, type HBaseConfig } from '../config.ts';
import { hbaseSink } from '../index.ts';
import type { HBaseEyes } from './eyes.ts';

/** A checked configuration from what a user would write under `sink`. */
export function hbaseConfig(given: Readonly<Record<string, unknown>>): HBaseConfig {
  const declaration = { name: 'test', doc: 'Test.', fields: { sink: HBASE_CONFIG } } as const;
  const config = loadConfig(declaration, { value: { sink: given } }).value.sink;
  hbaseSink.check?.(config);
  return config;
}

/** What the sink's connections go through, and the ports behind. */
export interface Link {
  readonly address: MovingAddress;
  readonly target: number;
}

export interface HBaseBenchOptions {
  readonly eyes: HBaseEyes;
  readonly config: Readonly<Record<string, unknown>>;
  readonly table: string;
  /** Start of every row key of this place. */
  readonly place: string;
  readonly links: readonly Link[];
}

/** The contract suite's place in a real HBase: rows `<place>-<key>` of a table that all cases share. */
export class HBaseBench implements SinkBench {
  readonly partialRows = true;
  readonly #eyes: HBaseEyes;
  readonly #config: HBaseConfig;
  readonly #table: string;
  readonly #place: string;
  readonly #links: readonly Link[];

  constructor({ eyes, config, table, place, links }: HBaseBenchOptions) {
    this.#eyes = eyes;
    this.#table = table;
    this.#place = place;
    this.#links = links;
    this.#config = hbaseConfig({ ...config, table, rowKey: `${place}-\${key}` });
  }

  open(): ReturnType<SinkBench['open']> {
    return hbaseSink.open(this.#config, {
      name: 'contract',
      log: silentLogger,
      signal: neverAborted(),
      tables: NO_TABLES,
    });
  }

  async read(key: Row): Promise<unknown> {
    const families = [this.#config.family, ...Object.values(this.#config.families)];
    const cells = await this.#eyes.row(this.#table, this.#row(key), families);
    if (cells.length === 0) return undefined;
    return Object.fromEntries(
      cells.map(({ family, column, value }) => [`${family}:${column}`, value.toString('latin1')]),
    );
  }

  expected(row: Row): unknown {
    const present = Object.entries(row).filter(([, value]) => value !== null);
    return Object.fromEntries(
      present.map(([column, value]) => [
        `${this.#config.families[column] ?? this.#config.family}:${column}`,
        expectedBytes(value),
      ]),
    );
  }

  /** Of the newest cell; the version family has it as a number, where no cell of a column can carry it. */
  async version(key: Row): Promise<bigint | undefined> {
    const cells = await this.#eyes.row(this.#table, this.#row(key));
    const versions = cells.map(({ family, timestamp, value }) =>
      family === this.#config.versionFamily ? value.readBigInt64BE() : timestamp,
    );
    return versions.reduce<bigint | undefined>(
      (most, one) => (most === undefined || one > most ? one : most),
      undefined,
    );
  }

  async refuseWrites(): Promise<AsyncDisposable> {
    // The table must be there to be made read-only.
    const sink = await this.open();
    await sink.apply([change(1, { id: 'another' }, { id: 'another' })], neverAborted());
    await sink[Symbol.asyncDispose]();
    await this.#eyes.alter(this.#table, 'READONLY', 'true');
    return {
      [Symbol.asyncDispose]: async () => {
        await this.#eyes.alter(this.#table, 'READONLY', 'false');
      },
    };
  }

  interrupt(): Promise<AsyncDisposable> {
    for (const { address } of this.#links) address.moveTo(undefined);
    return Promise.resolve({
      [Symbol.asyncDispose]: () => {
        for (const { address, target } of this.#links) address.moveTo(target);
        return Promise.resolve();
      },
    });
  }

  stall(): Promise<AsyncDisposable> {
    const held = this.#links.map(({ address }) => address.hold());
    return Promise.resolve({
      [Symbol.asyncDispose]: async () => {
        for (const one of held) await one[Symbol.asyncDispose]();
      },
    });
  }

  #row(key: Row): Buffer {
    const values = Object.values(key).map((value) => expectedText(value));
    const parts =
      values.length === 1 ? values : values.map((part) => part.replaceAll('%', '%25').replaceAll(':', '%3A'));
    return Buffer.from(`${this.#place}-${parts.join(':')}`);
  }
}

/** Written apart from the sink's own code on purpose: the two must agree. */
function expectedBytes(value: Row[string] | undefined): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return Buffer.from(expectedText(value ?? null)).toString('latin1');
}

function expectedText(value: Row[string]): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'boolean') return value ? '1' : '0';
  return `${value}`;
}
