/** The fields of a `KafkaConfig` in a component's configuration. */
export const KAFKA_FIELDS = {
  brokers: {
    type: 'list',
    of: { type: 'address' },
    doc: 'Addresses of some brokers, `host:port`; the others are found through them.',
    minItems: 1,
  },
  tls: {
    type: 'group',
    doc: 'Encryption of the connections.',
    fields: {
      enabled: { type: 'boolean', doc: 'Whether to use TLS.', default: false },
      ca: {
        type: 'text',
        doc: 'PEM file of the certificate authorities to trust; without it those that Node knows.',
        optional: true,
      },
      cert: { type: 'text', doc: 'PEM file of the client certificate.', optional: true },
      key: { type: 'text', doc: 'PEM file of the key of the client certificate.', optional: true },
      servername: {
        type: 'text',
        doc: 'Name to expect in the certificates of the brokers, when it is not their host name.',
        optional: true,
      },
      rejectUnauthorized: {
        type: 'boolean',
        doc: 'Whether certificates must be signed by a known authority.',
        default: true,
      },
    },
  },
  sasl: {
    type: 'group',
    doc: 'How to log in.',
    fields: {
      mechanism: {
        type: 'choice',
        doc: 'none: no login.',
        values: ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
        default: 'none',
      },
      username: { type: 'text', doc: 'User name.', default: '' },
      password: { type: 'text', doc: 'Password.', secret: true, default: '' },
    },
  },
} as const;
