import { readFileSync } from 'node:fs';
import { TaplineError } from '@tapline/kernel';

export interface MysqlTls {
  /**
   * `off`: plain text. `required`: encrypted, the server's certificate unchecked. `verifyCa`: signed by a known authority. `verifyIdentity`:
   * also made out for this host name.
   */
  readonly mode: 'off' | 'required' | 'verifyCa' | 'verifyIdentity';
  /** PEM files. Without `ca` the authorities that Node knows count. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Where a server is and who asks. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly tls?: MysqlTls;
}

/** The fields of a `MysqlAddress` in a component's configuration. */
export const MYSQL_ADDRESS_FIELDS = {
  host: { type: 'text', doc: 'Host name or address of the MySQL or MariaDB server.', default: '127.0.0.1' },
  port: { type: 'integer', doc: 'Its port.', default: 3306, min: 1, max: 65_535 },
  user: { type: 'text', doc: 'Account name.' },
  password: { type: 'text', doc: 'Password of the account.', secret: true, default: '' },
  tls: {
    type: 'group',
    doc: 'Encryption of the connection.',
    fields: {
      mode: {
        type: 'choice',
        doc: 'off: plain text. required: encrypted, certificate unchecked. verifyCa: signed by a known authority. verifyIdentity: also made out for this host.',
        values: ['off', 'required', 'verifyCa', 'verifyIdentity'],
        default: 'off',
      },
      ca: {
        type: 'text',
        doc: 'PEM file of the certificate authorities to trust; without it those that Node knows.',
        optional: true,
      },
      cert: { type: 'text', doc: 'PEM file of the client certificate.', optional: true },
      key: { type: 'text', doc: 'PEM file of the key of the client certificate.', optional: true },
    },
  },
} as const;

/** `host:port`, for messages. */
export function addressText(address: MysqlAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** What Node's TLS and the drivers want; undefined when the connection is plain. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
}

/** @throws TaplineError CONFIG_INVALID when a file cannot be read. */
export function readTlsMaterial(address: MysqlAddress): TlsMaterial | undefined {
  const { tls } = address;
  if (tls === undefined || tls.mode === 'off') return undefined;
  return {
    ...(tls.ca === undefined ? {} : { ca: readPem(tls.ca, 'ca') }),
    ...(tls.cert === undefined ? {} : { cert: readPem(tls.cert, 'cert') }),
    ...(tls.key === undefined ? {} : { key: readPem(tls.key, 'key') }),
    rejectUnauthorized: tls.mode !== 'required',
    verifyIdentity: tls.mode === 'verifyIdentity',
  };
}

function readPem(file: string, name: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `The file ${file} cannot be read.`,
      place: { path: `source.tls.${name}` },
      remedy: 'Give the path of a PEM file that this process may read.',
      cause: error,
    });
  }
}
