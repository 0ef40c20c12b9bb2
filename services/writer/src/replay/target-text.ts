import type { WriterConfig } from '../config.ts';

/** What says where a sink's rows go, in the order in which people read it. Never a secret. */
const SHOWN: readonly string[] = [
  'address',
  'node',
  'masters',
  'host',
  'port',
  'database',
  'table',
  'index',
  'rowKey',
  'key',
];

/** `redis (address 127.0.0.1:6379, database 0, key ${table}:${key})` */
export function targetText({ type, ...settings }: WriterConfig['sink']): string {
  const known = new Map(Object.entries(settings));
  const parts = SHOWN.flatMap((name) => {
    const value = known.get(name);
    return typeof value === 'string' || typeof value === 'number' ? [`${name} ${withoutLogin(`${value}`)}`] : [];
  });
  return `${type} (${parts.join(', ')})`;
}

/** An address may have a user and a password in it. */
function withoutLogin(text: string): string {
  return text.replaceAll(/\/\/[^/@,\s]*@/g, '//');
}
