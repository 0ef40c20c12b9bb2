import { GroupTurns } from './group-turns.ts';
import { type Bulk, bulksOf, RawBulks } from './raw-bulks.ts';
import { Recorder } from './recorder.ts';
import { SearchEyes } from './search-eyes.ts';
import type { ApplyStack, OpenApplyStore, OpenStore } from './store.ts';
import { measureInTurns, UNCOUNTED_SHARE } from './turns.ts';

const HEAP_MIB = 1024;
/** Recorded bulks name this index, so that it is theirs. */
const RAW_INDEX = 'applied';
/** Of the writer that is measured: as long as the other, which makes the bulks as long. */
const WRITER_INDEX = 'written';
/** Until so many rows the store's compiler makes its code faster from run to run. */
const WARM_UP_ROWS = 400_000;
/** Few rows only show that the bench works. */
const WARM_UP_TIMES = 6;
/** A writer that waits for its turn stays in its group. */
const SESSION_MS = 300_000;

/**
 * Elasticsearch or OpenSearch; the limit is the very bulks that the writer sent, recorded on their way, sent again over plain connections into an index of the
 * same settings and mapping. One writer, and the raw bulks, work by turns of a second in the same store; a writer is stopped (SIGSTOP) while it is not its turn.
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
      async inTurns(run, consumer) {
        const { rows } = run;
        const what = `tapline writer → ${product}`;
        using raw = await openRaw();
        await raw.until(rows * (1 - UNCOUNTED_SHARE));
        // What the store has says more than what the group has committed: it knows of every bulk.
        const topic = { committed: () => eyes.written(WRITER_INDEX) };
        const servers = { ...store, broker: stack.kafka.broker(1).process.pid };
        const writer = new GroupTurns({ what, consumer, topic, rows, servers });
        await writer.launch(rows * UNCOUNTED_SHARE);
        const settle = async (): Promise<void> => {
          await eyes.untilWritten();
          await eyes.refresh();
        };
        await settle();
        const measured = await measureInTurns([writer, raw], { run: run.run, settle });
        await eyes.requireDocuments(RAW_INDEX, rows - raw.left);
        await writer.finish();
        await eyes.requireDocuments(WRITER_INDEX, rows);
        const own = await eyes.bulks(WRITER_INDEX);
        const rowsPerBulk = [own === undefined ? undefined : rows / own, rows / bulks.length];
        return measured.map((one, at) => {
          const figure = rowsPerBulk[at];
          return figure === undefined ? one : { ...one, figures: { ...one.figures, rowsPerBulk: figure } };
        });
      },
      async [Symbol.asyncDispose]() {
        await recorder[Symbol.asyncDispose]();
        await server.stop();
      },
    };
  };
}
