import type { Change } from '@tapline/sink';
import { compileTemplate } from '../../naming/template.ts';
import { textOf } from '../../naming/values.ts';
import { placeOf } from './collection/place.ts';
import { isCollection, type RedisConfig } from './config.ts';
import { jsonHead } from './script.ts';
import { jsonOf, versionText } from './values.ts';

/** The command that the script comes to for each change whose version is newer than the key's. */
export function preview(changes: readonly Change[], config: RedisConfig): readonly string[] {
  if (isCollection(config)) return collectionPreview(changes, config);
  const key = compileTemplate(config.key, { path: 'sink.key', row: false, nullText: '' });
  const value = compileTemplate(config.value, { path: 'sink.value', row: true, nullText: config.nullText });
  return changes.map((change) => {
    const name = quoted(key(change));
    const { after, version } = change;
    if (config.as === 'invalidate') return `DEL ${name}`;
    if (after === null) return config.onDelete === 'expire' ? `EXPIRE ${name} ${config.expireSeconds}` : `DEL ${name}`;
    const expiry = config.ttlSeconds > 0 ? ` (expires after ${config.ttlSeconds} s)` : '';
    if (config.as === 'string') return `SET ${name} ${quoted(value(change))}${expiry}`;
    if (config.as === 'json') {
      return `SET ${name} ${quoted(jsonOf(after, `${jsonHead(config.versionField)}${versionText(version)}"`))}${expiry}`;
    }
    const fields = Object.entries(after).flatMap(([column, field]) => {
      if (field === null && config.nullText === '') return [];
      return [quoted(column), quoted(field === null ? config.nullText : textOf(field))];
    });
    return `HSET ${[name, config.versionField, versionText(version), ...fields].join(' ')}${expiry}`;
  });
}

/** What a row's place comes to; what is taken back of the place before, only the store knows. */
function collectionPreview(changes: readonly Change[], config: RedisConfig): readonly string[] {
  const place = placeOf(config);
  return changes.map((change) => {
    const found = place(change);
    if (found === undefined) return '(the row is taken out of where it stood)';
    const [collection, member] = [quoted(found.collection), quoted(found.member)];
    if (config.as === 'set') return `SADD ${collection} ${member}`;
    if (config.as === 'sortedSet') return `ZADD ${collection} ${found.number} ${member}`;
    return config.member === ''
      ? `INCRBY ${collection} ${found.number}`
      : `HINCRBY ${collection} ${member} ${found.number}`;
  });
}

/** As redis-cli takes it. */
function quoted(text: string): string {
  return /^[\w.:@+-]+$/.test(text) ? text : JSON.stringify(text);
}
