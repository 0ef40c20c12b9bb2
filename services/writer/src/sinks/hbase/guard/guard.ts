import { randomUUID } from 'node:crypto';
import type { TopicPartition } from '@tapline/kafka';
import type { PartitionOrder, SinkContext } from '@tapline/sink';
import type { HBaseConfig } from '../config.ts';
import type { Cluster } from '../rpc/cluster.ts';
import { type From, type Role, type Share, TableGuard } from './table-guard.ts';

/** A topic's partitions are not counted again within this time. */
const COUNTED_MS = 5000;

interface GuardOptions {
  readonly cluster: Cluster;
  readonly config: HBaseConfig;
  readonly context: Pick<SinkContext, 'name' | 'log' | 'order' | 'progress'>;
  /** Ends what is under way: it is asked on behalf of all calls. */
  readonly signal: AbortSignal;
}

/** The guards of all tables that a sink writes to. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #role: Role;
  readonly #id = randomUUID().slice(0, 8);
  readonly #tables = new Map<string, TableGuard>();
  readonly #counts = new Map<string, { readonly count: number; readonly atMs: number }>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#role = roleOf(options);
  }

  /** Resolves when the changes up to the share's last one may be sent to the table: without a question from the offset on that this says. */
  allow(table: string, share: Share | undefined): From | Promise<From> {
    return this.#table(table).allow(share);
  }

  reassigned(partitions: readonly TopicPartition[]): void {
    for (const table of this.#tables.values()) table.reassigned(partitions.map(({ partition }) => partition));
  }

  /** The table may be another one by now. */
  forget(table: string): void {
    this.#tables.get(table)?.forget();
  }

  #table(name: string): TableGuard {
    let guard = this.#tables.get(name);
    if (guard === undefined) {
      const { cluster, config, context } = this.#options;
      guard = new TableGuard({
        cluster,
        table: name,
        versionFamily: config.versionFamily,
        role: this.#role,
        id: this.#id,
        writer: context.name,
        rowKey: config.rowKey,
        log: context.log,
        partitionsOf: (topic) => this.#partitionsOf(topic, context.order),
      });
      this.#tables.set(name, guard);
    }
    return guard;
  }

  async #partitionsOf(topic: string, order: PartitionOrder | undefined): Promise<number> {
    const known = this.#counts.get(topic);
    if (order === undefined) return 0;
    if (known !== undefined && performance.now() - known.atMs < COUNTED_MS) return known.count;
    const counted = { count: await order.partitionsOf(topic, this.#options.signal), atMs: performance.now() };
    this.#counts.set(topic, counted);
    return counted.count;
  }
}

/** A sink that a tool opens has no progress of its own: it gives the writer's changes beside it. */
function roleOf({ config: { guard }, context: { order, progress } }: GuardOptions): Role {
  if (guard === 'versions') return 'stranger';
  if (order !== undefined) return 'owner';
  return progress === undefined ? 'guest' : 'stranger';
}
