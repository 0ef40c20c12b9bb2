import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provisionOnce, runCommand } from '@tapline/test-stack';
import { findGo } from './helm.ts';

const KUBERNETES = '1.36.3';
const ETCD = '3.6.8';
const KWOK = '0.8.0';

/** What kwok makes of nodes and pods: they are ready at once, and gone at once. */
const STAGES = [
  'node/fast/node-initialize',
  'node/heartbeat/node-heartbeat',
  'pod/fast/pod-ready',
  'pod/fast/pod-complete',
  'pod/fast/pod-delete',
] as const;

const SERVERS = ['kube-apiserver', 'kube-controller-manager'] as const;

/** Folder of kube-apiserver, kube-controller-manager, etcd and kwok, built once from their modules (a quarter of an hour); undefined: there is no Go. */
export async function findKubernetes(): Promise<string | undefined> {
  const go = findGo();
  if (go === undefined) return undefined;
  const { folder } = await provisionOnce(`kubernetes-${KUBERNETES}`, async (into) => {
    const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
    const run = async (cwd: string, ...args: string[]): Promise<string> =>
      await runCommand('nice', ['-n', '19', go, ...args], { package: 'golang', cwd, env });
    const module = async (name: string, requires: readonly string[], replaces: readonly string[]): Promise<string> => {
      const path = join(into, 'modules', name);
      await mkdir(path, { recursive: true });
      const lines = [...requires.map((one) => `require ${one}`), ...replaces.map((one) => `replace ${one}`)];
      await writeFile(join(path, 'go.mod'), `module ${name}\n\ngo 1.26.0\n\n${lines.join('\n')}\n`);
      return path;
    };
    const build = async (cwd: string, program: string, from: string, flags = '-s -w'): Promise<string> =>
      await run(cwd, 'build', '-p', '1', '-trimpath', '-ldflags', flags, '-o', join(into, program), from);

    const servers = await module('servers', [`k8s.io/kubernetes v${KUBERNETES}`], await stagingModules(run, into));
    const [major, minor] = KUBERNETES.split('.');
    const version = { gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor };
    const stamps = Object.entries(version).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
    for (const server of SERVERS) {
      await build(servers, server, `k8s.io/kubernetes/cmd/${server}`, ['-s -w', ...stamps].join(' '));
    }
    const etcd = await module('etcd', [`go.etcd.io/etcd/server/v3 v${ETCD}`], []);
    await build(etcd, 'etcd', 'go.etcd.io/etcd/server/v3');
    const kwok = await module('kwok', [`sigs.k8s.io/kwok v${KWOK}`], []);
    await build(kwok, 'kwok', 'sigs.k8s.io/kwok/cmd/kwok');
    const source = (await run(kwok, 'list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kwok')).trim();
    const stages = STAGES.map((stage) => readFile(join(source, 'kustomize/stage', `${stage}.yaml`), 'utf8'));
    await writeFile(join(into, 'stages.yaml'), (await Promise.all(stages)).join('\n---\n'));
    return [`kubernetes ${KUBERNETES}`, `etcd ${ETCD}`, `kwok ${KWOK}`];
  });
  return folder;
}

/** Inside its own repository Kubernetes takes these from folders; whoever builds it from outside names their versions. */
async function stagingModules(
  run: (cwd: string, ...args: string[]) => Promise<string>,
  cwd: string,
): Promise<string[]> {
  const { GoMod } = JSON.parse(await run(cwd, 'mod', 'download', '-json', `k8s.io/kubernetes@v${KUBERNETES}`)) as {
    GoMod: string;
  };
  const version = KUBERNETES.replace(/^1\./, '0.');
  const names = [...(await readFile(GoMod, 'utf8')).matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging/gm)];
  return names.map(([, name]) => `${name} => ${name} v${version}`);
}
