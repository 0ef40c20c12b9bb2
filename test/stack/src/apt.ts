import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TaplineError } from '@tapline/kernel';
import { cacheFolder } from './cache.ts';
import { runCommand } from './command.ts';
import { withFileLock } from './lock.ts';

const APT = { package: 'apt' };
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const INDEX_MAX_AGE_MS = 12 * 3600 * 1000;

// Dependencies of packages that their servers never load at run time.
const UNNEEDED =
  /^(perl|perl-base|perl-modules-.*|libperl5.*|libgdbm.*|debconf|dpkg|tar|adduser|passwd|login.*|lsof|galera-.*|rsync|socat|procps|psmisc|gawk|mawk|coreutils|libpam.*|systemd.*|libsystemd-shared|init-system-helpers|sysvinit-utils|util-linux.*|lsb-base|ucf|sensible-utils|mount|bsdutils|iproute2|gcc-.*-base|lib(dbi|term-readkey|config-inifiles)-perl|debianutils|mariadb-common|lib(uri|clone)-perl)$/;

/** The Debian mirror that this machine's own apt uses; no host is named here. */
async function machineMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const extra = existsSync(folder) ? (await readdir(folder)).map((name) => join(folder, name)) : [];
  for (const file of ['/etc/apt/sources.list', ...extra]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const uri = /^(?:URIs:|deb\s(?:\[[^\]]*\])?)\s*(\S+)/.exec(line.trim())?.[1];
      if (uri && /\/debian\/?$/.test(uri)) return uri;
    }
  }
  throw new TaplineError('STACK_PREREQUISITE', {
    message: 'This machine has no Debian package index configured, from which MySQL, MariaDB and Redis are taken.',
    remedy:
      'Run on Debian (12 or later, amd64) with apt, a JDK ≥ 17 and Maven: apt-get install openjdk-17-jre-headless maven.',
  });
}

/** An apt configuration of our own beside the machine's: own index, no knowledge of what is installed, nothing installed. */
async function sideRoot(suite: string, fresh: boolean): Promise<string> {
  if (process.arch !== 'x64' || process.platform !== 'linux' || !existsSync(KEYRING)) {
    throw new TaplineError('STACK_PREREQUISITE', {
      message: `Servers can be fetched on Debian amd64 only (this is ${process.platform} ${process.arch}).`,
    });
  }
  const folder = join(cacheFolder(), `apt-${suite}`);
  const lists = join(folder, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(folder, 'archives', 'partial'), { recursive: true });
  await writeFile(join(folder, 'status'), '');
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${await machineMirror()} ${suite} main\n`);
  const config = join(folder, 'apt.conf');
  await writeFile(
    config,
    [
      `Dir::Etc::sourcelist "${folder}/sources.list";`,
      'Dir::Etc::sourceparts "/dev/null";',
      'Dir::Etc::preferences "/dev/null";',
      'Dir::Etc::preferencesparts "/dev/null";',
      `Dir::State::Lists "${lists}";`,
      `Dir::State::status "${folder}/status";`,
      `Dir::State::extended_states "${folder}/extended_states";`,
      `Dir::Cache::archives "${folder}/archives";`,
      'Dir::Cache::pkgcache "";',
      'Dir::Cache::srcpkgcache "";',
      'APT::Architecture "amd64";',
      'APT::Install-Recommends "false";',
      ...(process.getuid?.() === 0 ? ['APT::Sandbox::User "root";'] : []),
      'Acquire::Languages "none";',
      'Acquire::Retries "3";',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
      '',
    ].join('\n'),
  );
  if (fresh || (await indexIsStale(lists)))
    await runCommand('apt-get', ['-qq', 'update'], { ...APT, env: { APT_CONFIG: config } });
  return config;
}

async function indexIsStale(lists: string): Promise<boolean> {
  for (const name of await readdir(lists)) {
    if (name.includes('_Packages') && Date.now() - (await stat(join(lists, name))).mtimeMs < INDEX_MAX_AGE_MS)
      return false;
  }
  return true;
}

interface DebianPackage {
  readonly name: string;
  readonly file: string;
}

async function resolvePackages(config: string, names: readonly string[]): Promise<readonly DebianPackage[]> {
  // The archive folder stays empty, as --print-uris leaves out what already lies there.
  const listing = await runCommand(
    'apt-get',
    ['-y', '-qq', '--print-uris', '--no-install-recommends', 'install', ...names],
    { ...APT, env: { APT_CONFIG: config } },
  );
  return listing
    .split('\n')
    .map((line) => line.split(' ')[1])
    .filter((file): file is string => file !== undefined && file.endsWith('.deb'))
    .map((file) => ({ name: file.slice(0, file.indexOf('_')), file }))
    .filter(({ name }) => !UNNEEDED.test(name));
}

interface FetchedPackage extends DebianPackage {
  readonly path: string;
}

/** Downloads what is not in the cache yet; apt checks each file against the signed index. */
async function fetchPackages(
  suite: string,
  names: readonly string[],
  fresh: boolean,
): Promise<readonly FetchedPackage[]> {
  const config = await sideRoot(suite, fresh);
  const found = await resolvePackages(config, names);
  const debs = join(cacheFolder(), `debs-${suite}`);
  await mkdir(debs, { recursive: true });
  const missing = found.filter(({ file }) => !existsSync(join(debs, file))).map(({ name }) => name);
  if (missing.length > 0) {
    await runCommand('apt-get', ['-qq', 'download', ...missing], { ...APT, cwd: debs, env: { APT_CONFIG: config } });
  }
  return found.map((entry) => ({ ...entry, path: join(debs, entry.file) }));
}

/**
 * Unpacks packages of a Debian suite with every library they need, down to the C library and its loader, into `folder`: they
 * then run whatever the machine's own libraries are. Returns the package versions.
 */
export async function unpackDebian(
  suite: string,
  names: readonly string[],
  folder: string,
): Promise<readonly string[]> {
  const packages = await withFileLock(
    join(cacheFolder(), 'locks', `apt-${suite}.lock`),
    async () =>
      // A suite that moves may have dropped what an index of this morning names.
      await fetchPackages(suite, names, false).catch(async () => await fetchPackages(suite, names, true)),
  );
  // Merged /usr first, as packages may ship into either /lib or /usr/lib.
  for (const part of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(folder, 'usr', part), { recursive: true });
    await symlink(`usr/${part}`, join(folder, part));
  }
  const skip = ['doc', 'man', 'locale', 'lintian', 'bash-completion'].map((part) => `--exclude=./usr/share/${part}`);
  const script =
    'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --no-same-owner "$3" "$4" "$5" "$6" "$7"';
  for (const { path } of packages) {
    await runCommand('sh', ['-c', script, 'unpack', path, folder, ...skip], { package: 'dpkg' });
  }
  return packages.map(({ file }) => decodeURIComponent(file));
}

/** Command line that runs `program` of an unpacked root under that root's own loader and libraries. */
export function inRoot(
  root: string,
  program: string,
  libraryFolders: readonly string[] = [],
): readonly [string, ...string[]] {
  const lib = join(root, 'usr/lib/x86_64-linux-gnu');
  return [
    // Not the one in lib64, which in older suites is an absolute link.
    join(lib, 'ld-linux-x86-64.so.2'),
    '--inhibit-cache',
    '--library-path',
    [...libraryFolders, lib].join(':'),
    program,
  ];
}
