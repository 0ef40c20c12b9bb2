export { type AdminAnswer, type AdminOptions, type AdminServer, openAdmin } from './admin.ts';
export { anySignal, type Deferred, deferred, isAbort, orAbort, sleep, whenAborted } from './async.ts';
export { type Arguments, parseArguments } from './config/arguments.ts';
export type {
  ConfigDeclaration,
  ConfigOf,
  Field,
  Fields,
  GroupField,
  ValueOf,
  VariantsField,
} from './config/fields.ts';
export { type DescribedKey, describeKeys, helpText } from './config/help.ts';
export { deployedSchema, type JsonSchema, jsonSchema } from './config/json-schema.ts';
export { type ConfigInput, type LoadedConfig, loadConfig } from './config/load.ts';
export { nearest } from './config/paths.ts';
export { configReference, errorReference, metricsReference } from './config/reference.ts';
export { readConfigFile } from './config/source-file.ts';
export { watchConfigFile } from './config/watch-file.ts';
export { describeError, type ErrorDescription, printableError } from './describe-error.ts';
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './error-codes.ts';
export { type Disposition, type ErrorDetails, type ErrorPlace, TaplineError } from './errors.ts';
export { type Finding, failedFinding, goodFinding } from './finding.ts';
export { KILL_POINTS, type KillPoint, killPoint, onKillPoint } from './kill-points.ts';
export { Lifecycle, type RunningService, SERVICE_TRANSITIONS, type ServiceState } from './lifecycle.ts';
export type { Signs } from './liveness.ts';
export {
  createLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LogLevel,
  type LogOptions,
  silentLogger,
} from './log.ts';
export {
  createMetrics,
  type MetricDeclaration,
  type Metrics,
  type MetricsOf,
  type MetricTable,
  SECONDS_BUCKETS,
} from './metrics.ts';
export { endProcess } from './process.ts';
export { MASK, Redactor } from './redact.ts';
export { backoffMs, dispositionOf, isRetryable, type RetryOptions, retry } from './retry.ts';
export {
  type ConfigOrigin,
  EXIT_FAILED,
  EXIT_OK,
  EXIT_USAGE,
  type RunInput,
  runService,
  type ServiceCommand,
  type ServiceContext,
  type ServiceDefinition,
  serviceCommand,
} from './service.ts';
export { SERVICE_CONFIG, type ServiceConfig, withServiceConfig } from './service-config.ts';
export { Turns } from './turns.ts';
