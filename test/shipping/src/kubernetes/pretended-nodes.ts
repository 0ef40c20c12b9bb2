import { join } from 'node:path';
import { sleep } from '@tapline/kernel';
import type { StackBase } from '@tapline/test-stack';
import type { Cluster } from './cluster.ts';

const NODES = ['node-1', 'node-2', 'node-3'];

/** Three nodes that kwok pretends to have: pods are bound to them, and are ready at once, but nothing runs. */
export class PretendedNodes implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #stop: AbortController = new AbortController();
  readonly #binding: Promise<void>;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#binding = this.#bindPods();
  }

  static async start(stack: StackBase, programs: string, cluster: Cluster): Promise<PretendedNodes> {
    const [port = 0] = await stack.reserve(1);
    const options = ['--manage-all-nodes=true', `--server-address=127.0.0.1:${port}`];
    const kwok = stack.process({
      name: 'kwok',
      command: join(programs, 'kwok'),
      args: [`--kubeconfig=${cluster.kubeconfig}`, `--config=${join(programs, 'stages.yaml')}`, ...options],
      logFile: join(stack.folder, 'kubernetes', 'kwok.log'),
    });
    await kwok.launch();
    for (const name of NODES) {
      const annotations = { 'kwok.x-k8s.io/node': 'fake' };
      const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': name };
      await cluster.ask('/api/v1/nodes', 'POST', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, annotations, labels },
      });
    }
    return new PretendedNodes(cluster);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#binding;
  }

  /** In place of a scheduler: any node will do for pods that do not run. */
  async #bindPods(): Promise<void> {
    let turn = 0;
    while (!this.#stop.signal.aborted) {
      const waiting = await this.#cluster.ask('/api/v1/pods?fieldSelector=spec.nodeName%3D').catch(() => undefined);
      for (const { metadata } of waiting?.items ?? []) {
        const { name, namespace } = metadata;
        const target = { apiVersion: 'v1', kind: 'Node', name: NODES[turn++ % NODES.length] };
        const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
        await this.#cluster
          .ask(`/api/v1/namespaces/${namespace ?? ''}/pods/${name}/binding`, 'POST', binding)
          .catch(() => undefined);
      }
      await sleep(200, this.#stop.signal).catch(() => undefined);
    }
  }
}
