/** One command as it was sent. */
export interface RespCommand {
  /** In upper case. */
  readonly name: string;
  /** The argument behind the first: the number of keys of EVAL and EVALSHA. Undefined where there is none. */
  readonly third: string | undefined;
  readonly bytes: Buffer;
}

const LONGEST_WORD = 20;

/** Parts what was sent to Redis into its commands ("RESP protocol spec": `*` count, then `$` length and bytes each). */
export function respCommands(sent: Buffer): RespCommand[] {
  const commands: RespCommand[] = [];
  let at = 0;
  const line = (): number => {
    const end = sent.indexOf('\r\n', at);
    const value = Number(sent.toString('latin1', at + 1, end));
    at = end + 2;
    return value;
  };
  while (at < sent.length) {
    const start = at;
    const words: string[] = [];
    for (let left = line(); left > 0; left--) {
      const length = line();
      if (words.length < 3) words.push(sent.toString('latin1', at, at + Math.min(length, LONGEST_WORD)));
      at += length + 2;
    }
    commands.push({ name: (words[0] ?? '').toUpperCase(), third: words[2], bytes: sent.subarray(start, at) });
  }
  return commands;
}
