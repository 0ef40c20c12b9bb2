import type { ServerKind, ServerKinds, StandingAddress } from '@tapline/test-stack';

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

const database = ({ port }: { readonly port: number }): string =>
  `127.0.0.1:${port}, root without password; for a reader cdc, password cdc`;

const DESCRIBE: { readonly [K in ServerKind]: (server: ServerKinds[K]) => string } = {
  mysql: database,
  replica: ({ port }) => `127.0.0.1:${port}, follows mysql`,
  mysql80: database,
  mysql57: database,
  mariadb: database,
  mariadb105: database,
  mariadb118: database,
  kafka: ({ address }) => address.brokers.join(','),
  redis: ({ address }) => address.address,
  redisCluster: ({ address }) => address.nodes.map((node) => node.address).join(','),
  redisSentinel: ({ address }) => `${address.sentinels.map((node) => node.address).join(',')}, master ${address.name}`,
  registry: ({ address }) => address.url,
  elasticsearch: ({ address }) => address.url,
  opensearch: ({ address }) => address.url,
  hbase: ({ address }) => `master ${address.master}, region server ${address.regionServer}`,
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
    const address = DESCRIBE[kind](server as ServerKinds[K]);
    return [{ name: kind, address: client === undefined ? address : `${address}; client: ${client}` }];
  };
  return SERVERS.flatMap((kind) => describe(kind));
}

export function addressLines(addresses: readonly StandingAddress[]): string {
  const width = Math.max(0, ...addresses.map(({ name }) => name.length));
  return addresses.map(({ name, address }) => `  ${name.padEnd(width)}  ${address}`).join('\n');
}
