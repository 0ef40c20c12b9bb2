import { join } from 'node:path';
import { TaplineError } from '@tapline/kernel';
import { provisionOnce } from '../cache.ts';
import type { StackContext } from '../context.ts';
import { findGo, GoModules } from '../go.ts';
import { SqlServer } from './mysql.ts';

const RELEASE = 'v8.2.0';
/** The release's commit, as the Go proxy names it: the repository's tags are none that Go takes for versions of the module. */
const COMMIT = '20240703042657-230bbc2ef5ef';
const TIDB = 'github.com/pingcap/tidb';
const PARSER = `${TIDB}/pkg/parser`;

/** One tidb-server with a store of its own in memory: its statements and transactions, without what a cluster adds. No source. */
export class TidbServer extends SqlServer {
  override readonly dialect = 'mysql';
}

/**
 * The tidb-server program: the one that TAPLINE_TIDB names, or built once from its module with the machine's Go, for an hour and more: no package that can be fetched has it.
 * undefined: there is neither.
 */
export async function findTidb(): Promise<string | undefined> {
  const named = process.env['TAPLINE_TIDB'];
  if (named !== undefined && named !== '') return named;
  const go = findGo();
  if (go === undefined) return undefined;
  const { folder } = await provisionOnce(`tidb-${RELEASE}`, async (into) => {
    const modules = new GoModules(go, into);
    const version = `${TIDB}@v1.1.0-beta.0.${COMMIT}`;
    // Of the replacements that hold in its own repository only; the parser lies in a folder of it.
    const replaced = [...(await modules.goMod(version)).matchAll(/^\t(\S+ => \S+ v\S+)$/gm)].map(
      ([, line = '']) => line,
    );
    const module = await modules.module(
      'tidb',
      [version.replace('@', ' '), `${PARSER} v0.0.0-${COMMIT}`],
      [...replaced, `${PARSER} => ${PARSER} v0.0.0-${COMMIT}`],
    );
    // It reaches into Go's own packages, which Go has refused since 1.23 unless told so.
    const flags = `-checklinkname=0 -s -w -X ${PARSER}/mysql.TiDBReleaseVersion=${RELEASE}`;
    await modules.build(module, 'tidb-server', `${TIDB}/cmd/tidb-server`, flags);
    return [`tidb ${RELEASE}`];
  });
  return join(folder, 'tidb-server');
}

/** Not started. */
export async function createTidb(context: StackContext): Promise<TidbServer> {
  const program = await findTidb();
  if (program === undefined) {
    throw new TaplineError('STACK_PREREQUISITE', {
      message: 'TiDB is built with Go, and there is none.',
      remedy: 'Install Go, or name a tidb-server in TAPLINE_TIDB.',
    });
  }
  const folder = await context.subfolder('tidb');
  const [port = 0, status = 0] = await context.reserve(2);
  const places = ['-host', '127.0.0.1', '-P', `${port}`, '-status', `${status}`, '-socket', join(folder, 'tidb.sock')];
  const process = context.process({
    name: 'tidb',
    command: program,
    args: ['-store', 'unistore', '-path', '', ...places, '-temp-dir', join(folder, 'tmp')],
    cwd: folder,
    logFile: join(folder, 'tidb.log'),
    stopMs: 30_000,
  });
  return new TidbServer('tidb', port, process);
}
