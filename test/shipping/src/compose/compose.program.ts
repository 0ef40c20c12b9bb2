import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { openStack } from '@tapline/test-stack';
import { parse } from 'yaml';
import { ROOT } from '../tools/chart.ts';
import { eventually } from '../tools/eventually.ts';
import { startEngine } from './engine.ts';
import { buildStandIn, type StandIns } from './stand-ins.ts';

/*
 * docker/compose.yaml as it stands, on an engine inside the namespaces of namespace.sh. Every step is printed, with what Docker said, so that a run is its
 * own log. Ends with 0 when everything was as it must be.
 */

/** By compose.compose.test.ts: everything that has to be fetched or built, which needs the machine's network. */
export interface Plan {
  readonly folder: string;
  /** The command line of compose. */
  readonly compose: readonly string[];
  readonly standIns: StandIns;
  /** Archives. */
  readonly images: readonly string[];
}

const FILE = 'docker/compose.yaml';
const SERVICES = ['reader', 'writer'];
const KINDS = [
  ['ps', '--all'],
  ['volume', 'ls'],
  ['network', 'ls', '--filter', 'type=custom'],
];
const EQUAL = /compared \d+ orders in MySQL with \d+ in Redis: 0 differences/;
const plan = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Plan;
const started = performance.now();
process.chdir(ROOT);

await using stack = await openStack({});
const engine = await startEngine(stack, plan.folder, plan.compose);
const { docker } = engine;
say(`an engine is there: Docker ${await docker('version', '--format', '{{.Server.Version}}')}`);
for (const image of plan.images) await docker('load', '--quiet', '--input', image);
const { services } = parse(await readFile(join(ROOT, FILE), 'utf8'), { merge: true }) as {
  services: Readonly<Record<string, { readonly image: string }>>;
};
for (const [service, content] of Object.entries(plan.standIns)) {
  await buildStandIn(engine, service, services[service]?.image ?? '', content);
}
say(`images are there: ${[...new Set(Object.values(services).map(({ image }) => image))].join(', ')}`);

const begun = performance.now();
await compose('up', '--detach');
say(`everything that the demo needs is healthy: after ${secondsSince(begun)} s`);
await told('the demo has ended', async () => (await look('demo', '{{.State.Status}}')) === 'exited');
assert.match(await compose('logs', '--no-log-prefix', 'demo'), EQUAL);
assert.equal(await look('demo', '{{.State.ExitCode}}'), '0');
await compose('ps', '--format', 'table {{.Service}}\t{{.Image}}\t{{.Status}}');
for (const service of ['mysql', 'kafka', 'redis', ...SERVICES]) {
  assert.equal(await look(service, '{{.State.Health.Status}}'), 'healthy', service);
}
for (const port of [8081, 8082]) {
  const { state } = (await (await fetch(`http://127.0.0.1:${port}/state`)).json()) as { state: string };
  assert.equal(state, 'running');
}
assert.match(await compose('exec', 'redis', 'redis-cli', 'HGETALL', 'orders:1'), /^customer\nAda$/m);

for (const service of SERVICES) {
  say(`the ${service} is killed`);
  process.kill(Number(await look(service, '{{.State.Pid}}')), 'SIGKILL');
}
for (const service of SERVICES) {
  await told(`the ${service} has been started anew, and is healthy`, async () => {
    const now = await look(service, '{{.RestartCount}} {{.State.Health.Status}}');
    return now === '1 healthy';
  });
}
assert.match(await compose('run', '--rm', 'demo'), EQUAL);

await compose('exec', 'redis', 'redis-cli', 'HSET', 'orders:1', 'customer', 'Nobody');
// A failure carries the end of what was said: progress would be all of it.
const again = docker('compose', '--progress', 'quiet', '-f', FILE, 'run', '--rm', '--env', 'DEMO_SECONDS=1', 'demo');
await assert.rejects(again, /: [1-9]\d* differences/);
say('a row that is wrong is noticed');

await compose('stop', ...SERVICES);
for (const service of SERVICES) assert.equal(await look(service, '{{.State.ExitCode}}'), '0', service);
assert.equal((await left()).length, KINDS.length);
await compose('down', '--volumes');
assert.deepEqual(await left(), []);
say(`nothing is left; everything in ${secondsSince(started)} s`);

function secondsSince(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(0);
}

function say(text: string): void {
  if (text.trim() !== '') process.stdout.write(`${text.trim()}\n`);
}

/** The kinds of things of which the engine still has some. */
async function left(): Promise<readonly string[]> {
  const found = await Promise.all(
    KINDS.map(async (kind) => ((await docker(...kind, '--quiet')) === '' ? [] : [kind.join(' ')])),
  );
  return found.flat();
}

/** Prints its answer too; where it fails, what it said before. */
async function compose(...args: string[]): Promise<string> {
  say(`$ docker compose -f ${FILE} ${args.join(' ')}`);
  try {
    const said = stripVTControlCharacters(await docker('compose', '-f', FILE, ...args));
    say(said);
    return said;
  } catch (error) {
    say(await docker('compose', '-f', FILE, 'logs', '--tail', '20'));
    throw error;
  }
}

async function told(what: string, holds: () => Promise<unknown>): Promise<void> {
  say(`${what}: after ${((await eventually(what, holds)) / 1000).toFixed(1)} s`);
}

async function look(service: string, format: string): Promise<string> {
  return (await docker('inspect', '--format', format, `tapline-${service}-1`)).trim();
}
