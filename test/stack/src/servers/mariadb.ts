import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inRoot, unpackDebian } from '../apt.ts';
import { provisionOnce } from '../cache.ts';
import { runCommand } from '../command.ts';
import type { StackContext } from '../context.ts';
import { clientFlags, SqlServer } from './mysql.ts';

export interface MariadbOptions {
  /** Further lines of the configuration; a setting given here wins. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly name?: string;
}

export class MariadbServer extends SqlServer {}

const ACCOUNTS = `use mysql;
flush privileges;
create or replace user root@'127.0.0.1' identified by '';
grant all privileges on *.* to root@'127.0.0.1' with grant option;
create or replace user cdc@'%' identified by 'cdc';
grant select, reload, process, lock tables, show databases, replication slave, replication client, binlog monitor, replication slave admin, slave monitor on *.* to cdc@'%';
`;

// The scripts that make the system tables, in the order in which mariadb-install-db feeds them.
const SYSTEM_SCRIPTS = [
  'mysql_system_tables',
  'mysql_performance_tables',
  'mysql_system_tables_data',
  'fill_help_tables',
  'maria_add_gis_sp_bootstrap',
  'mysql_sys_schema',
];

function configuration(root: string, folder: string, port: number, extra: Readonly<Record<string, string>>): string {
  const share = join(root, 'usr/share/mysql');
  const settings: Record<string, string> = {
    basedir: join(root, 'usr'),
    'plugin-dir': join(root, 'usr/lib/mysql/plugin'),
    'lc-messages-dir': share,
    'character-sets-dir': join(share, 'charsets'),
    datadir: join(folder, 'data'),
    tmpdir: join(folder, 'tmp'),
    socket: join(folder, 'mariadbd.sock'),
    'pid-file': join(folder, 'mariadbd.pid'),
    'bind-address': '127.0.0.1',
    port: String(port),
    'report-host': '127.0.0.1',
    'report-port': String(port),
    'server-id': String(port),
    'gtid-domain-id': '0',
    'gtid-strict-mode': 'ON',
    'log-bin': join(folder, 'data', 'binlog'),
    'relay-log': join(folder, 'data', 'relay'),
    'log-slave-updates': 'ON',
    'binlog-format': 'ROW',
    'binlog-row-image': 'FULL',
    'binlog-row-metadata': 'FULL',
    'binlog-checksum': 'CRC32',
    'max-allowed-packet': '256M',
    'innodb-buffer-pool-size': '128M',
    'innodb-use-native-aio': 'OFF',
    'sync-binlog': '0',
    'innodb-flush-log-at-trx-commit': '2',
    ...extra,
  };
  return `[mariadbd]\n${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`;
}

const asRoot = (): readonly string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

async function dataTemplate(context: StackContext, root: string, identity: string): Promise<string> {
  const digest = createHash('sha256').update(identity).update(ACCOUNTS).digest('hex').slice(0, 8);
  const { folder } = await provisionOnce(
    `mariadb-data-${digest}`,
    async (into) => {
      const work = await context.subfolder('initialise-mariadb');
      const data = join(into, 'data');
      await mkdir(data, { recursive: true });
      await mkdir(join(work, 'tmp'), { recursive: true });
      const scripts = SYSTEM_SCRIPTS.map((name) => readFile(join(root, 'usr/share/mysql', `${name}.sql`), 'utf8'));
      const head = 'create database if not exists mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n';
      await writeFile(join(work, 'init.sql'), [head, ...(await Promise.all(scripts)), ACCOUNTS].join('\n'));
      await writeFile(join(work, 'my.cnf'), configuration(root, work, 3306, { datadir: data }));
      const options = [
        `--defaults-file=${join(work, 'my.cnf')}`,
        ...asRoot(),
        '--bootstrap',
        '--skip-log-bin',
        '--silent-startup',
        '--log-warnings=0',
        '--enforce-storage-engine=',
      ];
      const command = [...inRoot(root, join(root, 'usr/sbin/mariadbd')), ...options];
      await runCommand(
        'sh',
        ['-c', 'input=$1; shift; exec "$@" < "$input"', 'sh', join(work, 'init.sql'), ...command],
        { package: 'dash' },
      );
      await rm(work, { recursive: true, force: true });
      return [identity];
    },
    context.say,
  );
  return join(folder, 'data');
}

/** A MariaDB server with strict GTIDs, row format and full metadata, initialised; not started. */
export async function createMariadb(context: StackContext, options: MariadbOptions = {}): Promise<MariadbServer> {
  const name = options.name ?? 'mariadb';
  const { folder: root, versions } = await provisionOnce(
    'mariadb-10.11',
    async (into) => await unpackDebian('bookworm', ['mariadb-server-core', 'mariadb-client-core'], into),
    context.say,
  );
  const identity = versions.find((line) => line.startsWith('mariadb-server-core')) ?? '10.11';
  const template = await dataTemplate(context, root, identity);
  const folder = await context.subfolder(name);
  await mkdir(join(folder, 'tmp'), { recursive: true });
  const data = join(folder, 'data');
  if (!existsSync(data)) await runCommand('cp', ['-a', '--reflink=auto', template, data], { package: 'coreutils' });
  const [port = 0] = await context.reserve(1);
  const config = join(folder, 'my.cnf');
  await writeFile(config, configuration(root, folder, port, options.settings ?? {}));
  const [command, ...loader] = inRoot(root, join(root, 'usr/sbin/mariadbd'));
  const args = [...loader, `--defaults-file=${config}`, ...asRoot()];
  const process = context.process({
    name,
    command,
    args,
    cwd: folder,
    logFile: join(folder, 'error.log'),
    stopMs: 60_000,
  });
  const client = [...inRoot(root, join(root, 'usr/bin/mariadb')), ...clientFlags(port)];
  return new MariadbServer(name, port, process, client);
}
