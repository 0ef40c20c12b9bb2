import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagedProcess } from '@tapline/test-stack';
import { peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { aliveCheck } from '../services.ts';
import { type Bulk, bulksOf, RawBulks } from './raw-bulks.ts';
import { Recorder } from './recorder.ts';
import { SearchEyes } from './search-eyes.ts';
import type { ApplyStack, OpenApplyStore, OpenStore } from './store.ts';
import { measureInTurns, type TurnTaker } from './turns.ts';

const HEAP_MIB = 1024;
/** Recorded bulks name this index, so that it is theirs. */
const RAW_INDEX = 'applied';
/** Of the writer that is measured: as long as the other, which makes the bulks as long. */
const WRITER_INDEX = 'written';
/** Of each run: until then the writer's process compiles itself, and the first segments of the indexes are small. */
const UNCOUNTED_SHARE = 0.2;
/** Until so many rows the store's compiler makes its code faster from run to run. */
const WARM_UP_ROWS = 400_000;
/** Few rows only show that the bench works. */
const WARM_UP_TIMES = 6;
const TURN_MS = 2000;
const POLL_MS = 50;
/** A writer that waits for its turn stays in its group. */
const SESSION_MS = 300_000;

/**
 * Elasticsearch or OpenSearch; the limit is the very bulks that the writer sent, recorded on their way, sent again over plain connections into an index of the
 * same settings and mapping. One writer, and the raw bulks, work by turns of two seconds in the same store; a writer is stopped (SIGSTOP) while it is not its turn.
 */
export function openSearchStore(product: 'elasticsearch' | 'opensearch'): OpenApplyStore {
  return async (stack: ApplyStack): Promise<OpenStore> => {
    const server = await stack.add(product, { heapMib: HEAP_MIB, forSpeed: true });
    const { port, process } = server;
    const { url } = server.address;
    const recorder = await Recorder.open(port);
    const eyes = new SearchEyes(url);
    const store = { [product]: process.pid };
    let bulks: readonly Bulk[] = [];
    let shape = '';
    /** An empty index of the writer's form, and the bulks for it. */
    const openRaw = async (): Promise<RawBulks> => {
      await eyes.make(RAW_INDEX, shape);
      return new RawBulks(bulks, { port, processes: store });
    };
    return {
      process,
      source: { sessionTimeoutMs: SESSION_MS },
      async sink({ run }) {
        const index = run === 0 ? RAW_INDEX : WRITER_INDEX;
        await eyes.remove(index);
        const node = run === 0 ? `http://127.0.0.1:${recorder.port}` : url;
        // The index is made anew with each run: that is what the bench does, and no accident.
        return { type: product, node, index, bookIndex: '' };
      },
      async check({ rows }) {
        await eyes.requireDocuments(RAW_INDEX, rows);
        shape = await eyes.shapeOf(RAW_INDEX);
        bulks = bulksOf(recorder.take());
      },
      async limits({ rows }) {
        for (let time = Math.min(WARM_UP_TIMES, Math.ceil(WARM_UP_ROWS / rows)); time > 0; time--) {
          using raw = await openRaw();
          await raw.until(0);
        }
        return [];
      },
      async inTurns(run, { process: consumer }) {
        const { rows } = run;
        const broker = stack.kafka.broker(1).process.pid;
        const what = `tapline writer → ${product}`;
        using raw = await openRaw();
        await raw.until(rows * (1 - UNCOUNTED_SHARE));
        const writer = new WriterTurns(consumer, { what, rows, eyes, servers: { ...store, broker } });
        await writer.launch(rows * UNCOUNTED_SHARE);
        await eyes.refresh();
        const takers = run.run % 2 === 0 ? [raw, writer] : [writer, raw];
        const measured = await measureInTurns(takers, { turnMs: TURN_MS, settle: () => eyes.refresh() });
        await eyes.requireDocuments(RAW_INDEX, rows - raw.left);
        const finished = await writer.finish();
        const [own, limit] = run.run % 2 === 0 ? measured.toReversed() : measured;
        return [
          withFigures(own, { rowsPerBulk: rows / finished.bulks }, finished.peakRssMib),
          withFigures(limit, { rowsPerBulk: rows / bulks.length }),
        ];
      },
      async [Symbol.asyncDispose]() {
        await recorder[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  };
}

function withFigures(
  measurement: Measurement | undefined,
  figures: Readonly<Record<string, number>>,
  peak?: number,
): Measurement {
  if (measurement === undefined) throw new Error('one of two was not measured');
  const merged = { ...measurement, figures: { ...measurement.figures, ...figures } };
  return peak === undefined ? merged : { ...merged, peakRssMib: peak };
}

interface WriterTurnsOptions {
  readonly what: string;
  readonly rows: number;
  readonly eyes: SearchEyes;
  readonly servers: Readonly<Record<string, number | undefined>>;
}

/** A writer that is stopped while it is not its turn. What it has done is what the store says. */
class WriterTurns implements TurnTaker {
  readonly what: string;
  readonly #process: ManagedProcess;
  readonly #options: WriterTurnsOptions;
  readonly #alive: () => void;
  #done = 0;

  constructor(process: ManagedProcess, options: WriterTurnsOptions) {
    this.what = options.what;
    this.#process = process;
    this.#options = options;
    this.#alive = aliveCheck(process);
  }

  get left(): number {
    return this.#options.rows - this.#done;
  }

  get processes(): TurnTaker['processes'] {
    return { consumer: this.#process.pid, ...this.#options.servers };
  }

  /** Starts it, and stops it for the first time when it has done so many rows. */
  async launch(rows: number): Promise<void> {
    await this.#process.launch();
    await this.#until(rows);
    await this.#stop();
  }

  async work(ms: number): Promise<number> {
    const before = this.#done;
    this.#process.resume();
    await sleep(ms);
    await this.#stop();
    return this.#done - before;
  }

  /** Lets it do the rest, and ends it. @throws when the store does not hold just the rows. */
  async finish(): Promise<{ readonly bulks: number; readonly peakRssMib: number }> {
    const { eyes, rows } = this.#options;
    this.#process.resume();
    await this.#until(rows);
    const { bulks } = await eyes.written(WRITER_INDEX);
    const peak = peakRssMib(this.#process.pid);
    await this.#process.stop();
    await eyes.requireDocuments(WRITER_INDEX, rows);
    return { bulks, peakRssMib: peak };
  }

  async #stop(): Promise<void> {
    const { eyes } = this.#options;
    this.#process.pause();
    await eyes.untilWritten();
    this.#done = (await eyes.written(WRITER_INDEX)).documents;
    this.#alive();
  }

  async #until(rows: number): Promise<void> {
    while ((await this.#options.eyes.written(WRITER_INDEX)).documents < rows) {
      this.#alive();
      await sleep(POLL_MS);
    }
  }
}
