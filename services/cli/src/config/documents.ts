import {
  configReference,
  describeKeys,
  errorReference,
  jsonSchema,
  metricsReference,
  type ServiceCommand,
} from '@tapline/kernel';
import { chartReadme } from './chart/readme.ts';
import { valuesSchema } from './chart/values.ts';

/** A file that is made from the declarations in the code. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** The chart's values.yaml. */
export const CHART_DEFAULTS = 'helm/tapline/values.yaml';

/** Every generated file: a page and a JSON Schema a service, the pages of all errors and metrics, and what the chart has of the declarations. */
export function generatedFiles(
  services: readonly ServiceCommand[],
  chartDefaults: Readonly<Record<string, unknown>>,
): GeneratedFile[] {
  const ofServices = services.flatMap(({ name, config }) => [
    { path: `docs/reference/${name}.md`, text: configReference(config) },
    { path: `schemas/${name}.schema.json`, text: json(jsonSchema(config, `urn:tapline:config:${name}`)) },
  ]);
  return [
    ...ofServices,
    { path: 'docs/reference/errors.md', text: errorReference() },
    { path: 'docs/reference/metrics.md', text: metricsReference(services) },
    { path: 'helm/tapline/values.schema.json', text: json(valuesSchema(services)) },
    { path: 'helm/tapline/README.md', text: chartReadme(chartDefaults) },
  ];
}

/** Keys, and metrics, that say nothing about themselves: a page without words is no reference. */
export function undocumented(services: readonly ServiceCommand[]): string[] {
  return services.flatMap(({ config, metrics }) => {
    const keys = describeKeys(config).filter(({ field }) => !field.doc?.trim());
    const silent = metrics.flatMap((table) => Object.values(table)).filter(({ doc }) => doc.trim() === '');
    return [...keys.map(({ key }) => `${config.name}: ${key}`), ...silent.map(({ name }) => name)];
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Which service a configuration file is for: the one that knows most of its top-level keys, the first of them when several do. A person who
 * misspelt one key still gets the right service's answer.
 */
export function serviceFor(keys: readonly string[], services: readonly ServiceCommand[]): ServiceCommand | undefined {
  const known = (service: ServiceCommand): number =>
    keys.filter((key) => Object.hasOwn(service.config.fields, key)).length;
  return services.toSorted((a, b) => known(b) - known(a))[0];
}
