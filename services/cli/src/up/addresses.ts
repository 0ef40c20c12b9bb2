import type { ServerKind, ServerKinds, StandingAddress } from '@tapline/test-stack';

export const SERVERS = [
  'mysql',
  'replica',
  'mysql80',
  'mariadb',
  'kafka',
  'redis',
  'redisCluster',
  'redisSentinel',
  'registry',
] as const satisfies readonly ServerKind[];

const DESCRIBE: { readonly [K in ServerKind]: (server: ServerKinds[K]) => string } = {
  mysql: ({ port }) => `mysql -h127.0.0.1 -P${port} -uroot   (reader: user cdc, password cdc)`,
  replica: ({ port }) => `mysql -h127.0.0.1 -P${port} -uroot   (follows mysql)`,
  mysql80: ({ port }) => `mysql -h127.0.0.1 -P${port} -uroot   (8.0.31)`,
  mariadb: ({ port }) => `mariadb -h127.0.0.1 -P${port} -uroot   (reader: user cdc, password cdc)`,
  kafka: ({ address }) => address.brokers.join(','),
  redis: ({ port }) => `redis-cli -p ${port}`,
  redisCluster: ({ address }) => address.nodes.map((node) => node.address).join(','),
  redisSentinel: ({ address }) => `${address.sentinels.map((node) => node.address).join(',')} (master ${address.name})`,
  registry: ({ address }) => address.url,
};

/** Where each server listens, in words to paste into a terminal or a configuration. */
export function describeAddresses(servers: Partial<ServerKinds>): readonly StandingAddress[] {
  const describe = <K extends ServerKind>(kind: K): readonly StandingAddress[] => {
    const server = servers[kind];
    return server === undefined ? [] : [{ name: kind, address: DESCRIBE[kind](server as ServerKinds[K]) }];
  };
  return SERVERS.flatMap((kind) => describe(kind));
}

export function addressLines(addresses: readonly StandingAddress[]): string {
  const width = Math.max(0, ...addresses.map(({ name }) => name.length));
  return addresses.map(({ name, address }) => `  ${name.padEnd(width)}  ${address}`).join('\n');
}
