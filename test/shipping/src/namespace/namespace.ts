import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('namespace.sh', import.meta.url));
const CGROUPS = '/sys/fs/cgroup';
const CPU_SHARES = '16384';

/** A folder for one run's containers, images and volumes; removed, with the run's groups of processes, once its namespaces are gone with all their mounts. */
export class NamespaceFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<NamespaceFolder> {
    return new NamespaceFolder(await mkdtemp(join(tmpdir(), 'tapline-node-')));
  }

  /**
   * Runs a program of this folder's neighbours in a network, a tree of mounts and of processes of their own, with the folder's plan.json as its
   * argument and the address by which it is reached there in TAPLINE_NODE_ADDRESS. Gives its exit code.
   */
  async run(program: URL, plan: object): Promise<number | null> {
    // Its claims of ports are no other run's: it has a network of its own.
    const temporary = join(this.path, 'tmp');
    await mkdir(temporary);
    const planFile = join(this.path, 'plan.json');
    await writeFile(planFile, JSON.stringify(plan));
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(program), planFile];
    const child = spawn(SCRIPT, command, {
      env: { ...process.env, TMPDIR: temporary, TAPLINE_NODE_ADDRESS: '10.77.0.1' },
      // The command's stdout is for one line of totals.
      stdio: ['ignore', process.stderr.fd, 'inherit'],
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const group = groupOf(this.path);
    for (const controller of await controllers()) await removeGroup(join(controller, group));
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The group of processes for all containers of the run that has this folder, made below every controller. */
export async function makeGroup(folder: string): Promise<string> {
  const group = groupOf(folder);
  for (const controller of await controllers()) await mkdir(join(controller, group), { recursive: true });
  // Beside other processes of this machine, a node is not one process.
  await writeFile(join(CGROUPS, 'cpu', group, 'cpu.shares'), CPU_SHARES).catch(() => undefined);
  return group;
}

/** Folders in which groups are made: of each controller, or the one of cgroup v2. */
async function controllers(): Promise<readonly string[]> {
  if (existsSync(join(CGROUPS, 'cgroup.controllers'))) return [CGROUPS];
  return (await readdir(CGROUPS)).map((controller) => join(CGROUPS, controller));
}

const groupOf = (folder: string): string => `tapline-${basename(folder).split('-').at(-1) ?? ''}`;

async function removeGroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((one) => one.isDirectory())) await removeGroup(join(path, entry.name));
  await rmdir(path).catch(() => undefined);
}
