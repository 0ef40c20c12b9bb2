import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@tapline/test-stack';

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
