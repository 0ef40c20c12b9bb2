import { bulkString, type RespBuffer } from './resp.ts';
import type { GuardScript } from './script.ts';

/** One script call: the command and which changes it carries. */
export interface Call {
  readonly bytes: Buffer;
  /** The same with the script's text instead of its name, for a server that does not know it. */
  withText(): Buffer;
  /** Any of its keys: they are of one slot. */
  readonly key: string;
  /** Indexes of the changes, in the order of the script's rows. */
  readonly indexes: readonly number[];
}

interface Parts {
  readonly keys: RespBuffer;
  readonly args: RespBuffer;
  readonly firstKey: string;
  readonly indexes: readonly number[];
}

/** `EVALSHA sha rows keys… args…` ("EVALSHA", Redis documentation). */
export function scriptCall(script: GuardScript, { keys, args, firstKey, indexes }: Parts): Call {
  const count = 3 + keys.count + args.count;
  const rows = String(keys.count);
  const head = (name: string, text: string): Buffer =>
    Buffer.concat([Buffer.from(`*${count}\r\n`), bulkString(name), bulkString(text), bulkString(rows)]);
  const sha = head('EVALSHA', script.sha);
  const bytes = Buffer.concat([sha, keys.view(), args.view()]);
  return {
    bytes,
    withText: () => Buffer.concat([head('EVAL', script.text), bytes.subarray(sha.length)]),
    key: firstKey,
    indexes,
  };
}
