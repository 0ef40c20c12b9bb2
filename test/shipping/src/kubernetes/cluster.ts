import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { sleep } from '@tapline/kernel';
import { type ManagedProcess, runCommand, type StackBase } from '@tapline/test-stack';

export interface ClusterObject {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly nodeName?: string; readonly replicas?: number };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly startTime?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
  };
  readonly items?: readonly ClusterObject[];
  readonly data?: Readonly<Record<string, string>>;
}

/** A real Kubernetes API: etcd, kube-apiserver and kube-controller-manager, without any node. They end with the stack. */
export class Cluster {
  readonly kubeconfig: string;
  readonly #port: number;
  readonly #token: string;
  readonly #folder: string;
  #authority: Buffer | undefined;

  private constructor(folder: string, port: number, token: string) {
    this.#folder = folder;
    this.#port = port;
    this.#token = token;
    this.kubeconfig = join(folder, 'kubeconfig');
  }

  static async start(stack: StackBase, programs: string): Promise<Cluster> {
    const folder = join(stack.folder, 'kubernetes');
    const keys = join(folder, 'keys');
    await mkdir(keys, { recursive: true });
    const [etcdPort = 0, peerPort = 0, port = 0, managerPort = 0] = await stack.reserve(4);
    const cluster = new Cluster(folder, port, randomUUID());
    await runCommand('openssl', ['genrsa', '-out', join(keys, 'accounts.key'), '2048'], { package: 'openssl' });
    await writeFile(join(keys, 'tokens.csv'), `${cluster.#token},admin,1,"system:masters"\n`);
    const launch = async (name: string, options: Readonly<Record<string, string>>): Promise<ManagedProcess> => {
      const args = Object.entries(options).map(([key, value]) => `--${key}=${value}`);
      const logFile = join(folder, `${name}.log`);
      const process = stack.process({ name, command: join(programs, name), args, logFile });
      await process.launch();
      return process;
    };

    const etcd = `http://127.0.0.1:${etcdPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    await launch('etcd', {
      'data-dir': join(folder, 'etcd'),
      'listen-client-urls': etcd,
      'advertise-client-urls': etcd,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
      'unsafe-no-fsync': 'true',
    });
    await launch('kube-apiserver', {
      'etcd-servers': etcd,
      'bind-address': '127.0.0.1',
      'advertise-address': '127.0.0.1',
      'secure-port': String(port),
      'cert-dir': keys,
      'service-cluster-ip-range': '10.0.0.0/24',
      'token-auth-file': join(keys, 'tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-account-key-file': join(keys, 'accounts.key'),
      'service-account-signing-key-file': join(keys, 'accounts.key'),
      'service-account-issuer': 'https://kubernetes.default.svc',
      'endpoint-reconciler-type': 'none',
      // For the logs of pods: nodes have no names that could be looked up.
      'kubelet-preferred-address-types': 'InternalIP',
    });
    await cluster.#ready();
    await launch('kube-controller-manager', {
      kubeconfig: cluster.kubeconfig,
      'bind-address': '127.0.0.1',
      'secure-port': String(managerPort),
      'cert-dir': join(keys, 'manager'),
      'service-account-private-key-file': join(keys, 'accounts.key'),
      'root-ca-file': join(keys, 'apiserver.crt'),
      'leader-elect': 'false',
    });
    return cluster;
  }

  /** Asks the API; undefined: there is no such object. Throws with its answer for any other refusal. */
  async ask(path: string, method = 'GET', body?: object): Promise<ClusterObject | undefined> {
    this.#authority ??= await readFile(join(this.#folder, 'keys', 'apiserver.crt'));
    const { promise, resolve, reject } = Promise.withResolvers<ClusterObject | undefined>();
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const asked = request(
      { host: '127.0.0.1', port: this.#port, path, method, headers, ca: this.#authority },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const status = response.statusCode ?? 0;
          if (status === 404) resolve(undefined);
          else if (status >= 300) reject(new Error(`${method} ${path}: ${status} ${text}`));
          else resolve(text.startsWith('{') ? (JSON.parse(text) as ClusterObject) : { metadata: { name: text } });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    return await promise;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + 180_000;
    while ((await this.ask('/readyz').catch(() => undefined))?.metadata.name !== 'ok') {
      if (Date.now() > deadline) throw new Error('kube-apiserver is not ready');
      await sleep(250);
    }
    const authority = join(this.#folder, 'keys', 'apiserver.crt');
    const server = `https://127.0.0.1:${this.#port}`;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'local', cluster: { server, 'certificate-authority': authority } }],
      users: [{ name: 'admin', user: { token: this.#token } }],
      contexts: [{ name: 'local', context: { cluster: 'local', user: 'admin' } }],
      'current-context': 'local',
    };
    await writeFile(this.kubeconfig, JSON.stringify(config));
  }
}
