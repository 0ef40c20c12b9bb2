import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runCommand } from './command.ts';

/** The full name of a program that the shell would find. */
export function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The machine's Go; undefined: there is none. */
export function findGo(): string | undefined {
  return onPath('go') ?? ['/usr/local/go/bin/go'].find(existsSync);
}

/** Programs of public Go modules, built into one folder by the machine's Go, at the lowest priority: minutes each, the first time. */
export class GoModules {
  readonly #go: string;
  readonly #into: string;

  constructor(go: string, into: string) {
    this.#go = go;
    this.#into = into;
  }

  async run(cwd: string, ...args: string[]): Promise<string> {
    const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
    return await runCommand('nice', ['-n', '19', this.#go, ...args], { package: 'golang', cwd, env });
  }

  /** The text of a module's go.mod. */
  async goMod(module: string): Promise<string> {
    const said = await this.run(this.#into, 'mod', 'download', '-json', module);
    const { GoMod } = JSON.parse(said) as { GoMod: string };
    return readFile(GoMod, 'utf8');
  }

  /** A module of ours that needs nothing but these; gives its folder. */
  async module(name: string, requires: readonly string[], replaces: readonly string[] = []): Promise<string> {
    const path = join(this.#into, 'modules', name);
    await mkdir(path, { recursive: true });
    const lines = [...requires.map((one) => `require ${one}`), ...replaces.map((one) => `replace ${one}`)];
    await writeFile(join(path, 'go.mod'), `module ${name}\n\ngo 1.26.0\n\n${lines.join('\n')}\n`);
    return path;
  }

  /** `from`: the package; the program is called `name`. */
  async build(module: string, name: string, from: string, flags = '-s -w'): Promise<void> {
    await this.run(module, 'build', '-p', '1', '-trimpath', '-ldflags', flags, '-o', join(this.#into, name), from);
  }
}
