import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findGo, GoModules, provisionOnce, unpackDebian } from '@tapline/test-stack';

const KUBERNETES = '1.36.3';
const ETCD = '3.6.8';
const KWOK = '0.8.0';
const CONTAINERD = '2.4.2';

/** What kwok makes of nodes and pods: they are ready at once, and gone at once. */
const STAGES = [
  'node/fast/node-initialize',
  'node/heartbeat/node-heartbeat',
  'pod/fast/pod-ready',
  'pod/fast/pod-complete',
  'pod/fast/pod-delete',
] as const;

/** Folder of kube-apiserver, kube-controller-manager, etcd and kwok, built once from their modules (a quarter of an hour); undefined: there is no Go. */
export async function findKubernetes(): Promise<string | undefined> {
  const go = findGo();
  if (go === undefined) return undefined;
  const { folder } = await provisionOnce(`kubernetes-${KUBERNETES}`, async (into) => {
    const modules = new GoModules(go, into);
    await buildServers(modules, ['kube-apiserver', 'kube-controller-manager']);
    const etcd = await modules.module('etcd', [`go.etcd.io/etcd/server/v3 v${ETCD}`]);
    await modules.build(etcd, 'etcd', 'go.etcd.io/etcd/server/v3');
    const kwok = await modules.module('kwok', [`sigs.k8s.io/kwok v${KWOK}`]);
    await modules.build(kwok, 'kwok', 'sigs.k8s.io/kwok/cmd/kwok');
    const source = (await modules.run(kwok, 'list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kwok')).trim();
    const stages = STAGES.map((stage) => readFile(join(source, 'kustomize/stage', `${stage}.yaml`), 'utf8'));
    await writeFile(join(into, 'stages.yaml'), (await Promise.all(stages)).join('\n---\n'));
    return [`kubernetes ${KUBERNETES}`, `etcd ${ETCD}`, `kwok ${KWOK}`];
  });
  return folder;
}

/** Programs of a node whose pods really run. */
export interface NodePrograms {
  /** kubelet, kube-scheduler, containerd with its shim for runc, and ctr. */
  readonly folder: string;
  /** Network plugins: bridge, host-local, loopback. */
  readonly plugins: string;
}

/** As findKubernetes(): a quarter of an hour more, the first time. */
export async function findNodePrograms(): Promise<NodePrograms | undefined> {
  const go = findGo();
  if (go === undefined) return undefined;
  const { folder } = await provisionOnce(`kubernetes-node-${KUBERNETES}-containerd-${CONTAINERD}`, async (into) => {
    const modules = new GoModules(go, into);
    await buildServers(modules, ['kubelet', 'kube-scheduler']);
    const containerd = await modules.module('containerd', [`github.com/containerd/containerd/v2 v${CONTAINERD}`]);
    for (const program of ['containerd', 'containerd-shim-runc-v2', 'ctr']) {
      await modules.build(containerd, program, `github.com/containerd/containerd/v2/cmd/${program}`);
    }
    return [`kubernetes ${KUBERNETES}`, `containerd ${CONTAINERD}`];
  });
  const network = await provisionOnce('cni-bookworm', (into) =>
    unpackDebian('bookworm', ['containernetworking-plugins'], into),
  );
  return { folder, plugins: join(network.folder, 'usr/lib/cni') };
}

/** Programs of Kubernetes' own repository. They tell their version, which clients ask for. */
async function buildServers(modules: GoModules, programs: readonly string[]): Promise<void> {
  const needs = [`k8s.io/kubernetes v${KUBERNETES}`];
  const servers = await modules.module('servers', needs, await stagingModules(modules));
  const [major, minor] = KUBERNETES.split('.');
  const version = { gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor };
  const stamps = Object.entries(version).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  for (const program of programs) {
    await modules.build(servers, program, `k8s.io/kubernetes/cmd/${program}`, ['-s -w', ...stamps].join(' '));
  }
}

/** Inside its own repository Kubernetes takes these from folders; whoever builds it from outside names their versions. */
async function stagingModules(modules: GoModules): Promise<string[]> {
  const version = KUBERNETES.replace(/^1\./, '0.');
  const goMod = await modules.goMod(`k8s.io/kubernetes@v${KUBERNETES}`);
  const names = [...goMod.matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging/gm)];
  return names.map(([, name]) => `${name} => ${name} v${version}`);
}
