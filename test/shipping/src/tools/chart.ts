import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@tapline/test-stack';
import { parseAllDocuments } from 'yaml';

export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url));
export const CHART: string = join(ROOT, 'helm/tapline');

const VALUES = fileURLToPath(new URL('../../values/', import.meta.url));

/** The values files that the chart is tried with, by their names. */
export const VALUES_FILES: ReadonlyMap<string, string> = new Map(
  readdirSync(VALUES).map((file) => [file.replace('.yaml', ''), join(VALUES, file)]),
);

/** A Kubernetes object, as far as the tests look into one. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: ManifestSpec;
}

interface ManifestSpec extends PodSpec {
  readonly replicas?: number;
  readonly maxUnavailable?: number;
  readonly groups?: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: object;
    }[];
  }[];
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: { readonly metadata: Manifest['metadata']; readonly spec: PodSpec };
}

export interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly topologySpreadConstraints?: readonly unknown[];
  readonly volumes: readonly { readonly name: string }[];
  readonly containers: readonly Container[];
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: unknown;
  readonly livenessProbe?: unknown;
  readonly readinessProbe?: unknown;
}

export interface Rendering {
  readonly helm: string;
  /** Of `helm template`: `-f FILE`, `--set KEY=VALUE`, `--kube-version V`. */
  readonly options: readonly string[];
  readonly release?: string;
}

/** The rendered manifests as text. Rejects with what Helm says. */
export async function renderText({ helm, options, release = 'test' }: Rendering): Promise<string> {
  return await runCommand(helm, ['template', release, CHART, '--namespace', 'data', ...options], { package: 'helm' });
}

export function manifestsOf(text: string): readonly Manifest[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => document.toJS() as Manifest | null).filter((manifest) => manifest !== null);
}

export function chartFile(path: string): string {
  return readFileSync(join(CHART, path), 'utf8');
}
