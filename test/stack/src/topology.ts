import type { MariadbServer } from './servers/mariadb.ts';
import type { MysqlServer } from './servers/mysql.ts';
import {
  promote,
  type ReplicationBy,
  type ReplicationThread,
  replicate,
  setReadOnly,
  startReplication,
  stopReplication,
  untilCaughtUp,
} from './servers/replication.ts';
import type { StackBase } from './stack.ts';

/** Servers that can be replicas of each other. */
interface TopologyKinds {
  mysql: MysqlServer;
  mysql80: MysqlServer;
  mysql57: MysqlServer;
  mariadb: MariadbServer;
  mariadb105: MariadbServer;
  mariadb118: MariadbServer;
}

export interface TopologyOptions<K extends keyof TopologyKinds> {
  readonly kind: K;
  /** The source and its replicas: how many, or the settings of each. Default 2. */
  readonly servers?: number | readonly Readonly<Record<string, string>>[];
  /** `file`: without GTIDs; MySQL's servers then run with gtid_mode=OFF. Default `gtid`. */
  readonly by?: ReplicationBy;
  /** Prefix of the servers' names, for a second topology in the same stack. */
  readonly name?: string;
  /** Every server has binlog files of its own name, so that a place of one means nothing on another. */
  readonly ownBinlogNames?: boolean;
}

/** Several servers are on the machine at once. */
const SMALL: Readonly<Record<string, string>> = { 'innodb-buffer-pool-size': '64M', 'performance-schema': 'OFF' };
const WITHOUT_GTID: Readonly<Record<string, string>> = { 'gtid-mode': 'OFF', 'enforce-gtid-consistency': 'OFF' };

/**
 * A source with its replicas: `await using topology = await openTopology(stack, { kind: 'mysql' })`. Who is source changes with `promote` and
 * `swap`; servers are killed and started again by their own methods.
 */
export class Topology<S extends MysqlServer | MariadbServer = MysqlServer> implements AsyncDisposable {
  readonly servers: readonly S[];
  readonly by: ReplicationBy;
  #source: S;

  constructor(servers: readonly S[], by: ReplicationBy) {
    const [first] = servers;
    if (first === undefined) throw new RangeError('a topology needs a server');
    this.servers = servers;
    this.by = by;
    this.#source = first;
  }

  /** The server that takes writes. */
  get source(): S {
    return this.#source;
  }

  get replicas(): readonly S[] {
    return this.servers.filter((server) => server !== this.#source);
  }

  /** @throws RangeError when there is no such replica. */
  replica(index = 0): S {
    const found = this.replicas[index];
    if (found === undefined) throw new RangeError(`the topology has no replica ${index}`);
    return found;
  }

  /** Makes `replica` follow the source from now on, whatever it followed. */
  async follow(replica: S): Promise<void> {
    await replicate(replica, this.#source, this.by);
  }

  async stopReplication(replica: S, thread?: ReplicationThread): Promise<void> {
    await stopReplication(replica, thread);
  }

  async startReplication(replica: S, thread?: ReplicationThread): Promise<void> {
    await startReplication(replica, thread);
  }

  /** Waits until the replicas (or the given one) have executed everything that the source has in its binlog now. */
  async caughtUp(...replicas: readonly S[]): Promise<void> {
    for (const replica of replicas.length === 0 ? this.replicas : replicas)
      await untilCaughtUp(replica, this.#source, this.by);
  }

  /** An unplanned failover: this replica becomes the source with what it has; the others are left as they are. */
  async promote(replica: S): Promise<void> {
    await promote(replica);
    this.#source = replica;
  }

  /** A planned one: the source takes no more writes, the replica executes the rest and takes over, the old source follows it (with GTIDs). */
  async swap(to: S = this.replica()): Promise<void> {
    const old = this.#source;
    await setReadOnly(old, true);
    await this.caughtUp(to);
    await this.promote(to);
    if (this.by === 'gtid') await this.follow(old);
  }

  /** Kills the servers: a clean shutdown waits ten seconds for a replica that is gone, and their data goes with the stack. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }
}

/** Starts the servers and lets the others replicate from the first, beginning with its first transaction. */
export async function openTopology<K extends keyof TopologyKinds>(
  stack: StackBase,
  options: TopologyOptions<K>,
): Promise<Topology<TopologyKinds[K]>> {
  const { kind, by = 'gtid', name = kind, ownBinlogNames = false } = options;
  const count = options.servers ?? 2;
  const each = typeof count === 'number' ? Array.from({ length: count }, () => ({})) : count;
  const servers = await Promise.all(
    each.map(async (settings, index) => {
      const binlog = ownBinlogNames ? { 'log-bin': `${name}-${index + 1}-bin` } : {};
      const gtid = by === 'file' && kind.startsWith('mysql') ? WITHOUT_GTID : {};
      const option = { name: `${name}-${index + 1}`, settings: { ...SMALL, ...gtid, ...binlog, ...settings } };
      return (await stack.add(kind, option as never)) as TopologyKinds[K];
    }),
  );
  const topology = new Topology(servers, by);
  for (const replica of topology.replicas) await topology.follow(replica);
  return topology;
}
