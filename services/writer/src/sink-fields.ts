/* Configuration fields that several sinks declare alike. */

/** How a store is spoken to over TLS: its authority, our own certificate, whether the store's is checked. */
export const TLS_FIELDS = {
  ca: {
    type: 'text',
    doc: 'Certificate authority, PEM; `${file:/path}` reads it from a file. Default: the system’s.',
    secret: true,
    optional: true,
  },
  cert: { type: 'text', doc: 'Client certificate, PEM.', secret: true, optional: true },
  key: { type: 'text', doc: 'Private key of the client certificate, PEM.', secret: true, optional: true },
  verify: {
    type: 'boolean',
    doc: 'Refuse a certificate that the authority did not sign. Off is for tests only.',
    default: true,
  },
} as const;

/** How long an answer of the store is waited for. */
export const ANSWER_TIMEOUT = {
  type: 'integer',
  doc: 'An answer that takes longer counts as lost and is tried again.',
  unit: 'ms',
  default: 30_000,
  min: 100,
  max: 600_000,
} as const;
