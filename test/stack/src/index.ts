export { inRoot, unpackDebian } from './apt.ts';
export { cacheFolder, type Provisioned, provisionedVersions, provisionOnce } from './cache.ts';
export { type CommandOptions, runCommand } from './command.ts';
export { ProcessServer, type Server, StackContext } from './context.ts';
export { findGo, GoModules, onPath } from './go.ts';
export { compileJava, copyJars, findJava, type Java } from './java.ts';
export { withFileLock } from './lock.ts';
export { releasePorts, reservePorts } from './ports.ts';
export { ManagedProcess, type ProcessExit, type ProcessSpec } from './process.ts';
export { MovingAddress } from './proxy.ts';
export { Dice, seededNumbers } from './random.ts';
export type { HBaseAddress, HBaseServer } from './servers/hbase.ts';
export {
  type KafkaAddress,
  type KafkaBroker,
  type KafkaCluster,
  type KafkaOptions,
  kafkaHome,
} from './servers/kafka.ts';
export type { MariadbOptions, MariadbServer, MariadbVersion } from './servers/mariadb.ts';
export {
  type MysqlOptions,
  type MysqlServer,
  type SqlAddress,
  type SqlServer,
} from './servers/mysql.ts';
export { type MysqlVersion, mysqlProgram, mysqlRoot } from './servers/mysql-home.ts';
export { type RedisAddress, type RedisServer, type RedisSettings, redisRoot } from './servers/redis.ts';
export type { RedisCluster, RedisClusterAddress } from './servers/redis-cluster.ts';
export type { RedisSentinelAddress, RedisSentinelGroup } from './servers/redis-sentinel.ts';
export type { RegistryAddress, RegistryServer } from './servers/registry.ts';
export type { SearchAddress, SearchServer } from './servers/search-node.ts';
export { findTidb } from './servers/tidb.ts';
export {
  openStack,
  type ServerKind,
  type ServerKinds,
  type Stack,
  type StackBase,
  type StackOptions,
} from './stack.ts';
export {
  endStanding,
  readStanding,
  requireNothingStanding,
  type Standing,
  type StandingAddress,
  type StandingProcess,
} from './standing.ts';
export {
  hostTestServers,
  type TestServerHost,
  type TestServerKind,
  type TestServers,
  testServers,
} from './test-servers.ts';
export { type ItemRow, TopicWriter } from './topic-writer.ts';
export { openTopology, Topology, type TopologyOptions } from './topology.ts';
export { whenReady } from './when-ready.ts';
