import { createHash } from 'node:crypto';
import type { RedisConfig } from '../config.ts';
import type { GuardScript } from '../script.ts';

/**
 * The one atomic step for rows that stand in a set, in a sorted set, or in a counter. A call carries
 *
 *     KEYS  one a row: its version key
 *     ARGV  for each row: version, n, and n more arguments; n is 0 for a row that has no place (any more), else 3: collection, member, number
 *
 * The version key is a hash: `v`, the version as 16 hexadecimal digits, and of a row that has a place `c`, `m` and `n`, what was given for it. So it is known what to take back
 * when the row changes, whatever it has become since, and a counter is moved by the difference: a change that comes again is stale and counts nothing, one
 * that comes late finds what the row counts now. A row without a place leaves its version there for a while.
 *
 * First the new place is taken: where the server refuses that (full, read-only), nothing is written of the row. After a first write a script is never refused for
 * want of memory ("EVAL", Redis documentation, and maxmemory in redis.conf), so that what follows belongs to the same step.
 *
 * The answer is that of the script for rows (`guardScript`): a collection that holds another kind of value refuses its row, and the rows after it go on; anything else
 * stops the call at that row.
 */
export function collectionScript(config: RedisConfig): GuardScript {
  const { put, take } = config.as === 'set' ? SET : config.as === 'sortedSet' ? SORTED_SET : counter(config);
  const lines = `
local stale,refused,stopped,why={},{},0,''
local function failed(r) return type(r)=='table' and r.err end
local function put(c,m,s) ${put} end
local function take(c,m,s) ${take} end
local j=1
for i=1,#KEYS do
  local k,v,n=KEYS[i],ARGV[j],tonumber(ARGV[j+1])
  local old=redis.pcall('HMGET',k,'v','c','m','n')
  local r
  if failed(old) then
    refused[#refused+1]=i
    refused[#refused+1]=old.err
  elseif old[1] and old[1]>=v then
    stale[#stale+1]=i
  elseif n==0 then
    r=redis.pcall('HSET',k,'v',v)
    if failed(r) then stopped=i why=r.err break end
    if old[2] then
      take(old[2],old[3],old[4])
      redis.call('HDEL',k,'c','m','n')
    end
    ${forget(config)}
  else
    local c,m,s=ARGV[j+2],ARGV[j+3],ARGV[j+4]
    local same=old[2]==c and old[3]==m
    if not (same and old[4]==s) then r=put(c,m,s) end
    if failed(r) and string.sub(r.err,1,9)=='WRONGTYPE' then
      refused[#refused+1]=i
      refused[#refused+1]=r.err
    else
      if not failed(r) then r=redis.pcall('HSET',k,'v',v,'c',c,'m',m,'n',s) end
      if failed(r) then stopped=i why=r.err break end
      if old[2] and not (same and ${config.as === 'counter' ? 'old[4]==s' : 'true'}) then take(old[2],old[3],old[4]) end
      if old[1] and not old[2] then redis.call('PERSIST',k) end
    end
  end
  j=j+2+n
end
if stopped==0 and #stale==0 and #refused==0 then return 0 end
return {stopped,why,stale,refused}`;
  const text = lines.trim();
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

interface Shape {
  /** Gives the server's answer, or nothing where there is nothing to do. */
  readonly put: string;
  /** What somebody else has put into the place meanwhile is left alone. */
  readonly take: string;
}

const SET: Shape = {
  put: "return redis.pcall('SADD',c,m)",
  take: "redis.pcall('SREM',c,m)",
};

const SORTED_SET: Shape = {
  put: "return redis.pcall('ZADD',c,s,m)",
  take: "redis.pcall('ZREM',c,m)",
};

/** Numbers stay texts: Lua's own would round beyond 2^53. A counter at 0 is not there. */
function counter({ member }: RedisConfig): Shape {
  const [add, drop] = member === '' ? ["'INCRBY',c,", "'DEL',c"] : ["'HINCRBY',c,m,", "'HDEL',c,m"];
  const move = (by: string): string => `local sum=redis.pcall(${add}${by}) if sum==0 then redis.call(${drop}) end`;
  return {
    put: `if s=='0' then return end ${move('s')} return sum`,
    take: `if s=='0' then return end
  local back=string.sub(s,1,1)=='-' and string.sub(s,2) or '-'..s
  ${move('back')}`,
  };
}

function forget({ deletedVersionSeconds }: RedisConfig): string {
  return deletedVersionSeconds > 0 ? `redis.call('EXPIRE',k,${deletedVersionSeconds})` : "redis.call('DEL',k)";
}
