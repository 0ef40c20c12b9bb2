import type { ServerKind, ServerKinds, Standing, StandingAddress } from '@tapline/test-stack';

export const SERVERS = [
  'mysql',
  'replica',
  'mysql80',
  'mysql57',
  'mariadb',
  'mariadb105',
  'mariadb118',
  'kafka',
  'redis',
  'redisCluster',
  'redisSentinel',
  'registry',
  'elasticsearch',
  'opensearch',
  'hbase',
] as const satisfies readonly ServerKind[];

interface Described {
  /** What a configuration wants: `host:port`, a URL, or several with commas between. */
  readonly address: string;
  /** What else a person needs to know. */
  readonly note?: string;
  readonly port?: number;
}

const database = ({ port }: { readonly port: number }): Described => ({
  address: `127.0.0.1:${port}`,
  note: 'root without password; for a reader cdc, password cdc',
  port,
});

const DESCRIBE: { readonly [K in ServerKind]: (server: ServerKinds[K]) => Described } = {
  mysql: database,
  replica: ({ port }) => ({ address: `127.0.0.1:${port}`, note: 'follows mysql', port }),
  mysql80: database,
  mysql57: database,
  mariadb: database,
  mariadb105: database,
  mariadb118: database,
  tidb: ({ port }) => ({ address: `127.0.0.1:${port}`, note: 'root without password', port }),
  kafka: ({ address }) => ({ address: address.brokers.join(',') }),
  redis: ({ address }) => ({ address: address.address }),
  redisCluster: ({ address }) => ({ address: address.nodes.map((node) => node.address).join(',') }),
  redisSentinel: ({ address }) => ({
    address: address.sentinels.map((node) => node.address).join(','),
    note: `master ${address.name}`,
  }),
  registry: ({ address }) => ({ address: address.url }),
  elasticsearch: ({ address }) => ({ address: address.url }),
  opensearch: ({ address }) => ({ address: address.url }),
  hbase: ({ address }) => ({ address: address.master, note: `the master; region server ${address.regionServer}` }),
};

/** Where each server listens, to put into a configuration, and the client that is connected to it. */
export function describeAddresses(
  servers: Partial<ServerKinds>,
  clients: ReadonlyMap<ServerKind, string>,
): readonly StandingAddress[] {
  const describe = <K extends ServerKind>(kind: K): readonly StandingAddress[] => {
    const server = servers[kind];
    if (server === undefined) return [];
    const client = clients.get(kind);
    const { address, note, port } = DESCRIBE[kind](server as ServerKinds[K]);
    const text = note === undefined ? address : `${address}, ${note}`;
    const name = variableName(kind);
    const variables = {
      [name]: address,
      ...(port === undefined ? {} : { [`${name}_PORT`]: String(port) }),
      ...(client === undefined ? {} : { [`${name}_CLIENT`]: client }),
    };
    return [{ name: kind, address: client === undefined ? text : `${text}; client: ${client}`, variables }];
  };
  return SERVERS.flatMap((kind) => describe(kind));
}

/** `redisCluster` → `REDIS_CLUSTER`: its address. */
export function variableName(kind: ServerKind): string {
  return kind.replace(/[A-Z]/g, '_$&').toUpperCase();
}

/** Lines for a shell: `export MYSQL_PORT=23456`, and the process of each server as `MYSQL_PID`. None of the values needs quotes. */
export function variableLines({ addresses, processes }: Standing): string {
  const ofServers = addresses.flatMap(({ variables }) => Object.entries(variables ?? {}));
  const ofProcesses = processes.map(({ name, pid }) => [`${name.replaceAll('-', '_').toUpperCase()}_PID`, pid]);
  return [...ofServers, ...ofProcesses].map(([name, value]) => `export ${name}=${value}\n`).join('');
}

export function addressLines(addresses: readonly StandingAddress[]): string {
  const width = Math.max(0, ...addresses.map(({ name }) => name.length));
  return addresses.map(({ name, address }) => `  ${name.padEnd(width)}  ${address}`).join('\n');
}
