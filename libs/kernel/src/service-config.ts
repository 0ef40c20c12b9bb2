import type { ConfigDeclaration, ConfigOf } from './config/fields.ts';

/** What every service has besides its own keys. */
export const SERVICE_CONFIG = {
  name: 'service',
  doc: 'Keys that every service has.',
  fields: {
    admin: {
      type: 'group',
      doc: 'HTTP server for /livez, /readyz, /metrics and /state.',
      fields: {
        host: { type: 'text', doc: 'Address to listen on; 0.0.0.0 for all, as in a pod.', default: '127.0.0.1' },
        port: {
          type: 'integer',
          doc: 'Port to listen on; 0 takes any free one, and the log line "admin server listening" says which.',
          default: 0,
          min: 0,
          max: 65_535,
        },
        stalledMs: {
          type: 'integer',
          doc: '/livez says no when there is work, nothing known is in its way, and no sign of it came for so long: something hangs, and a restart may mend it. 0: never.',
          unit: 'ms',
          default: 900_000,
          min: 0,
        },
      },
    },
    log: {
      type: 'group',
      doc: 'The log, one line an event, on stderr.',
      fields: {
        level: {
          type: 'choice',
          doc: 'Lines below this level are not written.',
          values: ['error', 'warn', 'info', 'debug'],
          default: 'info',
        },
        format: {
          type: 'choice',
          doc: 'json for machines, text for people.',
          values: ['json', 'text'],
          default: 'json',
        },
      },
    },
    shutdown: {
      type: 'group',
      doc: 'How the service ends on SIGTERM and SIGINT.',
      fields: {
        drainMs: {
          type: 'integer',
          doc: 'How long what is in hand may take to be finished; then it is aborted. Keep it below the grace period of whoever stops the service.',
          unit: 'ms',
          default: 25_000,
          min: 0,
        },
      },
    },
  },
} as const satisfies ConfigDeclaration;

export type ServiceConfig = ConfigOf<typeof SERVICE_CONFIG>;

/** A component's declaration with the keys that every service has. */
export function withServiceConfig(declaration: ConfigDeclaration): ConfigDeclaration {
  return { ...declaration, fields: { ...declaration.fields, ...SERVICE_CONFIG.fields } };
}
