import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { TaplineError } from '@tapline/kernel';

export interface KafkaTls {
  /** PEM text, or the path of a PEM file. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name to expect in the broker's certificate, when it is not the host name. */
  readonly servername?: string | undefined;
  /** Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaConfig {
  /** host:port of at least one broker; the others are found. */
  readonly brokers: readonly string[];
  readonly clientId?: string | undefined;
  readonly tls?: boolean | KafkaTls | undefined;
  readonly sasl?: KafkaSasl | undefined;
  /** Longest wait for the TCP and TLS handshake. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Longest wait for a broker's answer before the connection is given up and the request is sent again. Default 20,000. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** @throws TaplineError KAFKA_CONFIG for what is not host:port (IPv6 hosts in brackets). */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf(':');
  const host = text.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const port = Number(text.slice(at + 1));
  if (at < 1 || host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TaplineError('KAFKA_CONFIG', { message: `${JSON.stringify(text)} is not a broker address (host:port).` });
  }
  return { host, port };
}

export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Node's TLS options, or undefined for plain text. */
export function tlsOptions(tls: KafkaConfig['tls']): ConnectionOptions | undefined {
  if (tls === undefined || tls === false) return undefined;
  if (tls === true) return {};
  const { ca, cert, key, ...rest } = tls;
  const pems = Object.entries({ ca, cert, key }).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const known = Object.entries(rest).filter(([, value]) => value !== undefined);
  return Object.fromEntries([
    ...known,
    ...pems.map(([name, value]) => [name, pemText(name, value)]),
  ]) as ConnectionOptions;
}

function pemText(name: string, value: string): string {
  if (value.includes('-----BEGIN')) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch (cause) {
    throw new TaplineError('KAFKA_CONFIG', {
      message: `The PEM file for kafka.tls.${name} cannot be read.`,
      place: { path: value },
      cause,
    });
  }
}
