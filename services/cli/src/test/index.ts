import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_FAILED, EXIT_OK } from '@tapline/kernel';
import { parseFlags } from '../arguments.ts';
import type { CliCommand } from '../command.ts';
import { add, type JestCounts, NOTHING, type Totals, totalsLine, totalsOf } from './results.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

interface Stage {
  readonly name: string;
  readonly title: string;
  readonly config: string;
  /** Only when its flag is given: it needs more than every machine has. */
  readonly onlyWhenAsked?: true;
}

const STAGES: readonly Stage[] = [
  { name: 'unit', title: 'unit tests', config: 'jest.config.js' },
  { name: 'servers', title: 'tests against real servers', config: 'test/jest.servers.config.js' },
  { name: 'chaos', title: 'kill and restart tests', config: 'test/jest.chaos.config.js' },
  { name: 'image', title: 'the image, built and run', config: 'test/jest.image.config.js', onlyWhenAsked: true },
  { name: 'tidb', title: 'the MySQL sink against TiDB', config: 'test/jest.tidb.config.js', onlyWhenAsked: true },
  {
    name: 'kubernetes',
    title: 'the chart on Kubernetes',
    config: 'test/jest.kubernetes.config.js',
    onlyWhenAsked: true,
  },
  { name: 'compose', title: 'the stack of Compose', config: 'test/jest.compose.config.js', onlyWhenAsked: true },
];

const USUAL = STAGES.filter(({ onlyWhenAsked }) => onlyWhenAsked !== true);

const END_SECONDS = 60;

const HELP = `tapline test [--unit] [--servers] [--chaos] [--image] [--tidb] [--kubernetes] [--compose] [PATH…]

Runs the tests, and prints at the end one line: N passed, N failed. Without a flag, the first three kinds; only files whose path
matches a PATH, when any is given. Servers are fetched at the first run and started on free ports of their own.
  --unit      pure logic, seconds
  --servers   against real MySQL, Kafka, Redis and a registry, minutes
  --chaos     processes killed and servers restarted under load (the short form), minutes
  --image     the image is built and its services run in it; as root on Debian, with buildah, debootstrap and runc
  --tidb      the MySQL sink against TiDB, which TAPLINE_TIDB names, or which is built once with Go, for an hour and more
  --kubernetes  the chart is installed, upgraded, rolled back and deleted on a real API: with nodes that are pretended, and with pods that run
              the image on a node inside this machine's namespaces. As --image, with Go: Kubernetes is built once, which takes half an hour
  --compose   docker/compose.yaml is started on a Docker engine of its own inside this machine's namespaces, runs its demo, and is removed. As --image,
              with docker.io
`;

async function run(args: readonly string[]): Promise<number> {
  const flags = Object.fromEntries(STAGES.map(({ name }) => [name, { type: 'boolean' as const }]));
  const { values, positionals } = parseFlags(args, flags);
  if (values['help'] === true) {
    process.stdout.write(HELP);
    return EXIT_OK;
  }
  const chosen = STAGES.filter(({ name }) => values[name] === true);
  const folder = await mkdtemp(join(tmpdir(), 'tapline-test-'));
  let totals = NOTHING;
  // A signal to this process alone must end the tests too; what ran until then is counted, and the broken-off run as a failure.
  const stop = new AbortController();
  const onSignal = (): void => {
    stop.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    for (const stage of chosen.length === 0 ? USUAL : chosen) {
      const started = performance.now();
      const result = await runStage(stage, positionals, join(folder, `${stage.name}.json`), stop.signal);
      const seconds = Math.round((performance.now() - started) / 1000);
      process.stderr.write(`${stage.title}: ${totalsLine(result)} in ${seconds} s\n`);
      totals = add(totals, result);
      if (stop.signal.aborted) break;
    }
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    await rm(folder, { recursive: true, force: true });
  }
  // That no test ran is no proof of anything.
  const good = totals.failed === 0 && totals.passed > 0;
  process.stdout.write(`${totalsLine(totals)}\n`);
  return good ? EXIT_OK : EXIT_FAILED;
}

async function runStage(
  stage: Stage,
  paths: readonly string[],
  resultFile: string,
  stop: AbortSignal,
): Promise<Totals> {
  process.stderr.write(`\n${stage.title}\n`);
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = [join(ROOT, 'node_modules/jest/bin/jest.js'), '--config', join(ROOT, stage.config)];
  const output = ['--ci', '--passWithNoTests', '--json', `--outputFile=${resultFile}`];
  // jest's own report goes to stderr; stdout is kept for the one line of totals.
  const child = spawn(process.execPath, [...node, ...jest, ...output, ...paths], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const kill = (): void => {
    child.kill('SIGTERM');
  };
  stop.addEventListener('abort', kill);
  const hanging = watchEnd(resultFile, () => child.kill('SIGKILL'));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(hanging);
  stop.removeEventListener('abort', kill);
  const text = await readFile(resultFile, 'utf8').catch(() => undefined);
  return totalsOf(text === undefined ? undefined : (JSON.parse(text) as JestCounts), exitCode);
}

/**
 * jest writes its results when every test has ended and everything is torn down, and then waits for handles that some test left open, for ever
 * if need be. That is one failure more (the exit code says so), but must not keep the rest from being run and counted.
 */
function watchEnd(resultFile: string, end: () => void): NodeJS.Timeout {
  let seconds = 0;
  return setInterval(() => {
    if (!existsSync(resultFile)) return;
    if (++seconds === END_SECONDS) {
      process.stderr.write(
        `jest has not ended ${END_SECONDS} s after its last test: some test has left something open\n`,
      );
      end();
    }
  }, 1000);
}

export const test: CliCommand = { run };
