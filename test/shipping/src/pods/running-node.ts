import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type StackBase } from '@tapline/test-stack';
import type { Cluster } from '../kubernetes/cluster.ts';
import { makeGroup } from '../namespace/namespace.ts';
import { eventually } from '../tools/eventually.ts';
import type { NodePrograms } from '../tools/kubernetes.ts';

const NAME = 'node-1';
const KUBELET_PORT = 10_250;
/** The container that holds each pod's network: any image that sleeps. */
export const PAUSE = 'localhost/pause:local';

export interface NodeOptions {
  readonly programs: NodePrograms;
  /** For containers, images and volumes: theirs are mounts, so it outlives the stack and is removed once the namespaces are gone. */
  readonly folder: string;
  readonly address: string;
  /** Archives of images. */
  readonly images: readonly string[];
}

/** A node of the cluster whose pods really run, by containerd and runc: kubelet with the scheduler. It ends with the stack. */
export async function startNode(stack: StackBase, cluster: Cluster, options: NodeOptions): Promise<void> {
  const { folder, address, programs } = options;
  const network = join(folder, 'network');
  await mkdir(network, { recursive: true });
  await writeFile(join(network, 'bridge.conflist'), JSON.stringify(networkOf(folder)));
  const launch = async (name: string, args: readonly string[]): Promise<void> => {
    const process = stack.process({
      name,
      command: join(programs.folder, name),
      args,
      env: { PATH: `${programs.folder}:${inheritedPath()}` },
      logFile: join(folder, `${name}.log`),
    });
    await process.launch();
  };

  const socket = join(folder, 'containerd.sock');
  const containerd = join(folder, 'containerd.toml');
  await writeFile(containerd, containerdSettings(folder, socket, network, programs.plugins));
  await launch('containerd', ['--config', containerd]);
  const ctr = async (...args: string[]): Promise<string> =>
    await runCommand(join(programs.folder, 'ctr'), ['--address', socket, '--namespace', 'k8s.io', ...args], {
      package: 'golang',
    });
  await eventually('containerd answers', async () => await ctr('version'));
  for (const image of options.images) await ctr('images', 'import', image);

  const cgroup = await makeGroup(folder);
  const kubelet = join(folder, 'kubelet.json');
  await writeFile(kubelet, JSON.stringify(kubeletSettings(folder, address, socket, cgroup)));
  const credentials = `--kubeconfig=${cluster.kubeconfig}`;
  const identity = [`--hostname-override=${NAME}`, `--node-ip=${address}`, '--oom-score-adj=0'];
  const folders = [`--root-dir=${join(folder, 'kubelet')}`, `--cert-dir=${join(folder, 'kubelet', 'pki')}`];
  await launch('kubelet', [`--config=${kubelet}`, credentials, ...folders, ...identity]);
  const [port = 0] = await stack.reserve(1);
  const serving = ['--bind-address=127.0.0.1', `--secure-port=${port}`, `--cert-dir=${join(folder, 'scheduler')}`];
  await launch('kube-scheduler', [credentials, '--leader-elect=false', ...serving]);
  await eventually('the node is ready', async () => {
    const node = await cluster.ask(`/api/v1/nodes/${NAME}`);
    const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True') throw new Error(JSON.stringify(ready ?? 'no such node'));
  });
}

const inheritedPath = (): string => process.env['PATH'] ?? '';

/** Each pod has an address of its own on a bridge, by which it reaches the node's. There is no NAT, no name service and no enforcement of policies. */
function networkOf(folder: string): object {
  const ranges = [[{ subnet: '10.244.0.0/24' }]];
  const ipam = { type: 'host-local', dataDir: join(folder, 'addresses'), ranges, routes: [{ dst: '0.0.0.0/0' }] };
  const bridge = { type: 'bridge', bridge: 'pods0', isGateway: true, ipMasq: false, ipam };
  return { cniVersion: '1.0.0', name: 'pods', plugins: [bridge] };
}

function containerdSettings(folder: string, socket: string, network: string, plugins: string): string {
  return `version = 3
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
address = "${socket}"
[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${PAUSE}"
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
disable_apparmor = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["${plugins}"]
conf_dir = "${network}"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
`;
}

function kubeletSettings(folder: string, address: string, socket: string, cgroup: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    port: KUBELET_PORT,
    healthzPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    cgroupsPerQOS: true,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    featureGates: { KubeletInUserNamespace: true },
    clusterDomain: 'cluster.local',
    clusterDNS: ['10.0.0.10'],
    resolvConf: '',
    containerRuntimeEndpoint: `unix://${socket}`,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    podLogsDir: join(folder, 'logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
  };
}
