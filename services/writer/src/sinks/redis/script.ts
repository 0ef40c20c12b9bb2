import { createHash } from 'node:crypto';
import type { RedisConfig } from './config.ts';

/**
 * The one atomic step. A call carries
 *
 *     KEYS  one a row
 *     ARGV  prefix of version keys, then for each row: version, n, and n more arguments
 *
 * Versions are 16 hexadecimal digits in lower case, so that Lua's comparison of strings, which follows the server's collation, orders them as
 * numbers in every locale. n is -1 for a delete. With `hash` the n arguments are fields and values, otherwise the one value. With `hash` a row of which
 * only some columns are known has n = -2 - m, and m arguments: p, p fields and values to be set, the fields to be taken away.
 *
 * Where a live row's version is: field `_v` of the hash; the 16 digits after `{"_v":"` of the JSON; the version key of a string. A row that is
 * gone has its version under the version key, which is `prefix .. key` and lives in the key's own slot (the caller chooses the prefix so).
 *
 * The answer is 0 when every row was applied, else [stoppedAt, why, [stale rows], [refused row, why, …]], rows counted from 1. A key that
 * holds another kind of value is refused and the rows after it go on; what the server refuses as a whole (full, read-only) stops the
 * call at that row, and nothing of it or after it is written.
 *
 * Most rows that are new were never deleted. So that they cost no look for a deleted version, the prefix itself is a key, there as long as any
 * version key made by a delete or a lifetime may be.
 *
 * `redis.pcall` gives a table with `err` where `redis.call` would end the script half-way without saying at which row.
 */
export interface GuardScript {
  readonly text: string;
  /** SHA-1 of the text, for EVALSHA. */
  readonly sha: string;
}

/** Everything the configuration decides is a constant of the text: no argument is spent on it. */
export function guardScript(config: RedisConfig): GuardScript {
  const shape = shapeOf(config);
  const lines = `
local stale,refused,stopped,why={},{},0,''
local marks=redis.call('GET',ARGV[1])
local lasting=false
local j=2
for i=1,#KEYS do
  local k,v,n=KEYS[i],ARGV[j],tonumber(ARGV[j+1])
  ${shape.current}
  local live=cur
  if marks and not cur then cur=redis.call('GET',ARGV[1]..k) end
  if type(cur)=='table' then
    refused[#refused+1]=i
    refused[#refused+1]=cur.err
  elseif cur and cur>=v then
    stale[#stale+1]=i
  elseif n==-1 then
    local r=${remember(config, config.as === 'string' || config.as === 'invalidate')}
    if type(r)=='table' and r.err then stopped=i why=r.err break end
    ${announce(config)}
    ${config.onDelete === 'delete' ? (shape.remove ?? "if live then redis.call('DEL',k) end") : shape.expire}
  else
    ${shape.write}
    if type(r)=='table' and r.err then stopped=i why=r.err break end
    ${lifetime(config)}
  end
  if n>0 then j=j+2+n elseif n<-1 then j=j-n else j=j+2 end
end
if stopped==0 and #stale==0 and #refused==0 then return 0 end
return {stopped,why,stale,refused}`;
  const source = lines.trim();
  return { text: source, sha: createHash('sha1').update(source).digest('hex') };
}

interface Shape {
  /** Sets `cur` to the row's version, nil/false when the row is not there, or an error table. */
  readonly current: string;
  /** Writes the row and sets `r` to the answer. */
  readonly write: string;
  /** Takes the row away, where that is more than to delete what is live. */
  readonly remove?: string;
  /** Leaves a deleted row for a while, with its new version. */
  readonly expire: string;
}

function shapeOf(config: RedisConfig): Shape {
  switch (config.as) {
    case 'hash':
      return hash(config);
    case 'json':
      return json(config);
    case 'invalidate':
      return INVALIDATE;
    default:
      return text(config);
  }
}

/** What an application put at the key goes, whatever it is; the row's version is nowhere but under its version key. Every change is given as a delete. */
const INVALIDATE: Shape = {
  current: `local cur=redis.pcall('GET',ARGV[1]..k)`,
  write: 'local r',
  remove: `redis.call('DEL',k)`,
  expire: '',
};

function hash({ versionField, expireSeconds }: RedisConfig): Shape {
  const field = quote(versionField);
  return {
    current: `local cur=redis.pcall('HGET',k,${field})`,
    // More fields than were written: a column has become NULL or has vanished since. Rare, so the row is then simply made anew.
    write: `local r
    if n<-1 then
      local p=tonumber(ARGV[j+2])
      r=redis.pcall('HSET',k,${field},v,unpack(ARGV,j+3,j+2+p))
      if type(r)=='number' and -n-2>p+1 then redis.call('HDEL',k,unpack(ARGV,j+3+p,j-n-1)) end
    else
      r=redis.pcall('HSET',k,${field},v,unpack(ARGV,j+2,j+1+n))
    end
    if live and n>=0 and type(r)=='number' and redis.call('HLEN',k)*2~=n+2 then
      redis.call('DEL',k)
      redis.call('HSET',k,${field},v,unpack(ARGV,j+2,j+1+n))
    end`,
    expire: `if live then redis.call('HSET',k,${field},v) redis.call('EXPIRE',k,${expireSeconds}) end`,
  };
}

function json({ versionField, expireSeconds }: RedisConfig): Shape {
  const head = jsonHead(versionField);
  return {
    current: `local cur=redis.pcall('GETRANGE',k,0,${head.length + 15})
  if type(cur)=='string' then
    if string.sub(cur,1,${head.length})==${quote(head)} then cur=string.sub(cur,${head.length + 1}) else cur=false end
  end`,
    write: `local r=redis.pcall('SET',k,ARGV[j+2])`,
    expire: `if live then redis.call('SETRANGE',k,${head.length},v) redis.call('EXPIRE',k,${expireSeconds}) end`,
  };
}

function text({ expireSeconds }: RedisConfig): Shape {
  return {
    current: `local cur=redis.call('GET',ARGV[1]..k)`,
    write: `local r=redis.pcall('SET',ARGV[1]..k,v)
    if not (type(r)=='table' and r.err) then r=redis.pcall('SET',k,ARGV[j+2]) end`,
    expire: `redis.call('EXPIRE',k,${expireSeconds})`,
  };
}

/** What a JSON row begins with; the version's digits follow. */
export function jsonHead(versionField: string): string {
  return `{"${versionField}":"`;
}

/**
 * A delete's version goes under the version key before the row goes, and outlives it. The versions of strings stand there already,
 * so that without a lifetime theirs is dropped.
 */
function remember(config: RedisConfig, always: boolean): string {
  const seconds = rememberedSeconds(config);
  if (seconds > 0) return `redis.pcall('SET',ARGV[1]..k,v,'EX',${seconds})`;
  return always ? `redis.pcall('DEL',ARGV[1]..k)` : 'false';
}

function rememberedSeconds({ onDelete, expireSeconds, deletedVersionSeconds }: RedisConfig): number {
  return deletedVersionSeconds + (onDelete === 'expire' ? expireSeconds : 0);
}

/** Once a call: the prefix's own key, for at least as long as the version keys that the call makes. Never shortened. */
function announce(config: RedisConfig): string {
  const { ttlSeconds, deletedVersionSeconds } = config;
  const ofRows = ttlSeconds > 0 ? ttlSeconds + Math.max(deletedVersionSeconds, 1) : 0;
  const seconds = Math.max(ofRows, rememberedSeconds(config));
  if (seconds === 0) return '';
  return `if not lasting then
      lasting=true
      marks='1'
      if redis.call('TTL',ARGV[1])<${seconds} then redis.call('SET',ARGV[1],'1','EX',${seconds}) end
    end`;
}

/** A row that expires by itself leaves its version behind like a deleted one; a row that comes back from a deferred delete stays. */
function lifetime(config: RedisConfig): string {
  const { ttlSeconds, deletedVersionSeconds } = config;
  if (ttlSeconds > 0) {
    return `redis.call('EXPIRE',k,${ttlSeconds})
    redis.call('SET',ARGV[1]..k,v,'EX',${ttlSeconds + Math.max(deletedVersionSeconds, 1)})
    ${announce(config)}`;
  }
  return config.onDelete === 'expire' && config.as === 'hash' ? "if live then redis.call('PERSIST',k) end" : '';
}

/** A Lua string in single quotes. */
function quote(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`;
}
