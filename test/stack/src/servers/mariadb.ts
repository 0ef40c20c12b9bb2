import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inRoot, unpackDebian } from '../apt.ts';
import { provisionOnce } from '../cache.ts';
import { runCommand } from '../command.ts';
import type { StackContext } from '../context.ts';
import { clientFlags, SqlServer } from './mysql.ts';

/** Of Debian 11 (10.5), 12 (10.11) and 13 (11.8). */
export type MariadbVersion = '10.5' | '10.11' | '11.8';

interface Release {
  readonly suite: string;
  readonly packages: readonly string[];
}

const RELEASES: Readonly<Record<MariadbVersion, Release>> = {
  '10.5': { suite: 'bullseye', packages: ['mariadb-server-core-10.5', 'mariadb-client-core-10.5'] },
  '10.11': { suite: 'bookworm', packages: ['mariadb-server-core', 'mariadb-client-core'] },
  '11.8': { suite: 'trixie', packages: ['mariadb-server-core', 'mariadb-client-core'] },
};

export interface MariadbOptions {
  readonly version?: MariadbVersion;
  /** Further lines of the configuration; a setting given here wins. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly name?: string;
}

export class MariadbServer extends SqlServer {
  override readonly dialect = 'mariadb';
}

const ACCOUNTS = `use mysql;
flush privileges;
create or replace user root@'127.0.0.1' identified by '';
grant all privileges on *.* to root@'127.0.0.1' with grant option;
create or replace user cdc@'%' identified by 'cdc';
grant select, reload, process, lock tables, show databases, replication slave, replication client, binlog monitor, replication slave admin, slave monitor on *.* to cdc@'%';
`;

// The scripts that make the system tables, in the order in which mariadb-install-db feeds them.
const SYSTEM_SCRIPTS = [
  'mysql_system_tables.sql',
  'mysql_performance_tables.sql',
  'mysql_system_tables_data.sql',
  'fill_help_tables.sql',
  'maria_add_gis_sp_bootstrap.sql',
  'mysql_sys_schema.sql',
];

/** An unpacked release. */
interface MariadbHome {
  readonly version: MariadbVersion;
  readonly root: string;
  readonly share: string;
  readonly identity: string;
}

async function mariadbHome(context: StackContext, version: MariadbVersion): Promise<MariadbHome> {
  const { suite, packages } = RELEASES[version];
  const { folder: root, versions } = await provisionOnce(
    `mariadb-${version}`,
    async (into) => await unpackDebian(suite, packages, into),
    context.say,
  );
  // Since 11.x the folder and the files in it no longer have MySQL's name.
  const renamed = join(root, 'usr/share/mariadb');
  const share = existsSync(renamed) ? renamed : join(root, 'usr/share/mysql');
  const identity = versions.find((line) => line.startsWith('mariadb-server-core')) ?? version;
  return { version, root, share, identity };
}

/** 10.5 has no sys schema. */
async function systemScripts({ share }: MariadbHome): Promise<readonly string[]> {
  const files = SYSTEM_SCRIPTS.flatMap((name) => [name, name.replace(/^mysql/, 'mariadb')]);
  const present = [...new Set(files)].map((name) => join(share, name)).filter((path) => existsSync(path));
  return await Promise.all(present.map(async (path) => await readFile(path, 'utf8')));
}

function configuration(
  { root, share }: MariadbHome,
  folder: string,
  port: number,
  extra: Readonly<Record<string, string>>,
): string {
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

async function dataTemplate(context: StackContext, home: MariadbHome): Promise<string> {
  const digest = createHash('sha256').update(home.identity).update(ACCOUNTS).digest('hex').slice(0, 8);
  const { folder } = await provisionOnce(
    `mariadb-data-${home.version}-${digest}`,
    async (into) => {
      const work = await context.subfolder(`initialise-mariadb-${home.version}`);
      const data = join(into, 'data');
      await mkdir(data, { recursive: true });
      await mkdir(join(work, 'tmp'), { recursive: true });
      const head = 'create database if not exists mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n';
      await writeFile(join(work, 'init.sql'), [head, ...(await systemScripts(home)), ACCOUNTS].join('\n'));
      await writeFile(join(work, 'my.cnf'), configuration(home, work, 3306, { datadir: data }));
      const options = [
        `--defaults-file=${join(work, 'my.cnf')}`,
        ...asRoot(),
        '--bootstrap',
        '--skip-log-bin',
        '--silent-startup',
        '--log-warnings=0',
        '--enforce-storage-engine=',
      ];
      const command = [...inRoot(home.root, join(home.root, 'usr/sbin/mariadbd')), ...options];
      await runCommand(
        'sh',
        ['-c', 'input=$1; shift; exec "$@" < "$input"', 'sh', join(work, 'init.sql'), ...command],
        { package: 'dash' },
      );
      await rm(work, { recursive: true, force: true });
      return [home.identity];
    },
    context.say,
  );
  return join(folder, 'data');
}

/** A MariaDB server with strict GTIDs, row format and full metadata, initialised; not started. */
export async function createMariadb(context: StackContext, options: MariadbOptions = {}): Promise<MariadbServer> {
  const name = options.name ?? 'mariadb';
  const home = await mariadbHome(context, options.version ?? '10.11');
  const { root } = home;
  const template = await dataTemplate(context, home);
  const folder = await context.subfolder(name);
  await mkdir(join(folder, 'tmp'), { recursive: true });
  const data = join(folder, 'data');
  if (!existsSync(data)) await runCommand('cp', ['-a', '--reflink=auto', template, data], { package: 'coreutils' });
  const [port = 0] = await context.reserve(1);
  const config = join(folder, 'my.cnf');
  await writeFile(config, configuration(home, folder, port, options.settings ?? {}));
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
