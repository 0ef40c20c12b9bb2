import { type ConfigDeclaration, deployedSchema, type JsonSchema } from '@tapline/kernel';

/** Every key of the chart's own: with a sentence for README.md. The keys of readers' and writers' configurations come from their declarations. */
type Key = JsonSchema & { readonly description: string };
export type Keys = Readonly<Record<string, Key>>;

const NAME = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
const VARIABLE = '^[A-Za-z_][A-Za-z0-9_]*$';

function object(keys: Keys, required: readonly string[] = []): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    properties: keys,
    ...(required.length === 0 ? {} : { required }),
  };
}

/** What Kubernetes itself defines is checked by Kubernetes. */
function kubernetes(description: string, type: 'object' | 'array' = 'object'): Key {
  return { type, description };
}

function text(description: string, more: JsonSchema = {}): Key {
  return { type: 'string', description, ...more };
}

function flag(description: string): Key {
  return { type: 'boolean', description };
}

const SECRETS: Key = {
  type: 'object',
  description:
    'Variable → `{secret, key}`: the Secret, and the key in it, that a `${env:VARIABLE}` of `config` stands for. Values never pass through the chart.',
  propertyNames: { pattern: VARIABLE },
  additionalProperties: object(
    { secret: text('Name of the Secret.', { minLength: 1 }), key: text('The key in it.', { minLength: 1 }) },
    ['secret', 'key'],
  ),
};

const FILES: Key = {
  type: 'object',
  description:
    'Name → `{secret}` or `{configMap}`: mounted under `/etc/tapline/files/NAME/`, for `${file:…}` (certificates, keys) and for the modules of `transform`.',
  propertyNames: { pattern: NAME, maxLength: 58 },
  additionalProperties: {
    ...object({
      secret: text('Name of the Secret.', { minLength: 1 }),
      configMap: text('Name of the ConfigMap.', { minLength: 1 }),
    }),
    minProperties: 1,
    maxProperties: 1,
  },
};

/** Of every entry, and of `readerDefaults` and `writerDefaults`. */
export const POD_KEYS: Keys = {
  replicas: {
    type: 'integer',
    minimum: 0,
    description:
      'Pods. Of a reader’s, one works and the others stand by; those of a writer share the partitions. 0 stops it; its place is kept.',
  },
  secrets: SECRETS,
  files: FILES,
  env: {
    type: 'object',
    description: 'Further variables, in plain text: for `${env:…}` of what is no secret, or for Node.',
    propertyNames: { pattern: VARIABLE },
    additionalProperties: { type: 'string' },
  },
  resources: kubernetes('Requests and limits of the container; docs/operations.md has measured figures.'),
  temporarySize: {
    type: ['string', 'integer'],
    description: 'Size of `/tmp`, on the node’s disk: a reader’s large transactions wait there.',
  },
  nodeSelector: kubernetes('Labels of the nodes that may be taken.'),
  affinity: kubernetes('Further rules for choosing the node, such as the source’s zone.'),
  tolerations: kubernetes('Taints that do not matter.', 'array'),
  topologySpreadConstraints: kubernetes(
    'In place of the chart’s own, which spread an entry’s pods over nodes and zones as far as there are some.',
    'array',
  ),
  priorityClassName: text('Priority of the pods.'),
  podLabels: kubernetes('Further labels of the pods.'),
  podAnnotations: kubernetes('Further annotations of the pods.'),
};

export const CHART_KEYS: Keys = {
  image: {
    description: 'The image; one for all services.',
    ...object({
      repository: text('Where it is.', { minLength: 1 }),
      tag: text('Empty: the chart’s appVersion.'),
      digest: text('`sha256:…`; wins over the tag.', { pattern: '^(sha256:[0-9a-f]{64})?$' }),
      pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'], description: 'When it is fetched.' },
      pullSecrets: kubernetes('`[{name: …}]`: Secrets with the registry’s credentials.', 'array'),
    }),
  },
  readerDefaults: {
    description: 'What holds for each reader unless its entry says otherwise.',
    $ref: '#/definitions/pod',
  },
  writerDefaults: {
    description: 'What holds for each writer unless its entry says otherwise.',
    $ref: '#/definitions/pod',
  },
  checkSecrets: flag(
    'An install or upgrade against a cluster fails when a Secret that an entry names, or its key, is not there.',
  ),
  runAsUser: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'User and group of the processes, never root; null leaves it to the cluster, as OpenShift wants it.',
  },
  serviceAccount: {
    description: 'The account of all pods. They never speak with the Kubernetes API, and get no token.',
    ...object({
      create: flag('Make one.'),
      name: text('Its name. Empty: that of the release, or `default` where none is made.'),
      annotations: kubernetes('Of the account.'),
    }),
  },
  networkPolicy: {
    description: 'Only the admin port can be reached.',
    ...object({
      enabled: flag('Make one.'),
      metricsFrom: kubernetes('Peers that may reach the admin port (metrics, state). Empty: every pod.', 'array'),
      egress: kubernetes('Rules for what may be connected to, besides DNS. Empty: everything.', 'array'),
    }),
  },
  serviceMonitor: {
    description: 'Scrapes by the Prometheus operator; series get the label `tapline_name`, an entry’s key.',
    ...object({
      enabled: flag('Make one.'),
      labels: kubernetes('Labels that the Prometheus selects by.'),
      interval: text('Time between scrapes.', { pattern: '^[0-9]+(ms|s|m)$' }),
    }),
  },
  prometheusRule: {
    description: 'The alerts of `rules/alerts.yaml`, and one for each entry that does not answer.',
    ...object({
      enabled: flag('Make one.'),
      labels: kubernetes('Labels that the Prometheus selects by.'),
      alerts: {
        type: 'object',
        description: 'Alert → what is different: `{enabled, threshold, for, labels}`.',
        additionalProperties: object({
          enabled: flag('Whether there is this alert.'),
          threshold: { type: 'number', description: 'The number behind its last comparison.' },
          for: text('How long it must hold.'),
          labels: kubernetes('Such as another severity.'),
        }),
      },
    }),
  },
};

/** Helm's values.schema.json, of the draft that every Helm 3 knows. */
export function valuesSchema(services: readonly { readonly config: ConfigDeclaration }[]): JsonSchema {
  const entries = services.map(({ config }) => [`${config.name}s`, entriesOf(config)] as const);
  const ofServices = services.map(({ config }) => [config.name, withoutName(deployedSchema(config))] as const);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart tapline',
    ...object({
      ...Object.fromEntries(entries),
      ...CHART_KEYS,
      global: kubernetes('Of charts that this one is a part of.'),
    }),
    definitions: { pod: object(POD_KEYS), ...Object.fromEntries(ofServices) },
  };
}

function entriesOf({ name, doc }: ConfigDeclaration): Key {
  const config = {
    description: `What stands in the file of \`tapline ${name} --config\`.`,
    $ref: `#/definitions/${name}`,
  };
  return {
    type: 'object',
    description: doc,
    propertyNames: { pattern: NAME, maxLength: 40 },
    additionalProperties: object({ config, ...POD_KEYS }, ['config']),
  };
}

/** The entry's key is the name where the configuration has none. */
function withoutName(schema: JsonSchema): JsonSchema {
  const required = (schema['required'] as readonly string[] | undefined)?.filter((key) => key !== 'name');
  return { ...schema, required: required ?? [] };
}
