import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';
import { provisionOnce } from '../cache.ts';
import { runCommand } from '../command.ts';
import { ProcessServer, type StackContext } from '../context.ts';
import type { ManagedProcess } from '../process.ts';
import { type MysqlHome, type MysqlVersion, mysqlHome } from './mysql-home.ts';
import type { ReplicationDialect } from './replication.ts';

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

export abstract class SqlServer extends ProcessServer {
  abstract readonly dialect: ReplicationDialect;

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
      // The driver gives up after ten seconds, which a machine may be busy with other things.
      connectTimeout: 300_000,
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

  /** The rows of one statement, run as root on a connection of its own. */
  async rows(sql: string): Promise<readonly RowDataPacket[]> {
    const connection = await this.connect();
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0];
    } finally {
      await connection.end();
    }
  }

  protected override async ready(): Promise<boolean> {
    const connection = await createConnection({ ...this.address, connectTimeout: 10_000 });
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

  override get dialect(): ReplicationDialect {
    return this.version === '5.7' ? 'mysql57' : 'mysql';
  }
}

/** Of the clients of MySQL and MariaDB: root on this server, whatever the user's own option files say. */
export function clientFlags(port: number): readonly string[] {
  return ['--no-defaults', '--protocol=tcp', '-h127.0.0.1', `-P${port}`, '-uroot'];
}

const accounts = ({ login, version }: MysqlHome): string => `CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
GRANT PROXY ON ''@'' TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE USER 'cdc'@'%' IDENTIFIED WITH ${login} BY 'cdc';
GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'cdc'@'%';
${version === '5.7' ? '' : "GRANT XA_RECOVER_ADMIN ON *.* TO 'cdc'@'%';"}
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
    'server-id': String(port),
    'log-bin': join(folder, 'data', 'binlog'),
    'relay-log': join(folder, 'data', 'relay'),
    'gtid-mode': 'ON',
    'enforce-gtid-consistency': 'ON',
    'binlog-format': 'ROW',
    'binlog-row-image': 'FULL',
    'binlog-checksum': 'CRC32',
    'max-allowed-packet': '256M',
    'innodb-buffer-pool-size': '256M',
    'local-infile': 'ON',
    // Not synced to disk at each commit, yet written to the kernel: safe against kill -9, which is what tests do.
    'sync-binlog': '0',
    'innodb-flush-log-at-trx-commit': '2',
    'innodb-doublewrite': 'OFF',
    ...home.settings,
    ...extra,
  };
  const lines = Object.entries(settings).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  return `[mysqld]\n${lines.join('\n')}\n`;
}

// mysqld refuses to run as root unless told so; the cache may lie where only root can read.
const asRoot = (): readonly string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** A freshly initialised data folder, made once per version and copied for each server. */
async function dataTemplate(context: StackContext, home: MysqlHome): Promise<string> {
  const digest = createHash('sha256').update(home.identity).update(accounts(home)).digest('hex').slice(0, 8);
  const { folder } = await provisionOnce(
    `mysql-data-${home.version}-${digest}`,
    async (into) => {
      const work = await context.subfolder(`initialise-${home.version}`);
      const data = join(into, 'data');
      await mkdir(join(work, 'tmp'), { recursive: true });
      await writeFile(join(work, 'init.sql'), accounts(home));
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
