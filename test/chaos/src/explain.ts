/** One record of a sequence, expected or found. */
export interface Step<E = unknown> {
  /** What makes it equal to another; the part before `\0` names the change, what follows are its values. */
  readonly text: string;
  readonly offset?: string;
  readonly expected?: E;
  describe(): string;
}

const CONTEXT = 3;
const MAX_LINES = 6;

/** Says in words how two sequences that should be equal differ: what is lost, doubled, altered, out of order. */
export function explainSequences(wanted: readonly Step[], found: readonly Step[]): string[] {
  const { missing, surplus } = difference(wanted, found);
  const lines: string[] = [];
  const altered = new Set<Step>();
  for (const step of surplus) {
    const meant = missing.find((candidate) => !altered.has(candidate) && name(candidate) === name(step));
    if (meant !== undefined) {
      altered.add(meant);
      lines.push(`@${step.offset}: wrong values: ${step.describe()}; must be: ${meant.describe()}`);
    } else if (wanted.some(({ text }) => text === step.text))
      lines.push(`@${step.offset}: doubled: ${step.describe()}`);
    else lines.push(`@${step.offset}: not in the binlog: ${step.describe()}`);
  }
  for (const step of missing) if (!altered.has(step)) lines.push(`lost: ${step.describe()}`);
  const kinds = lines.length;
  if (kinds > MAX_LINES) lines.splice(MAX_LINES, kinds, `… and ${kinds - MAX_LINES} more`);
  if (kinds === 0) lines.push(`out of order: ${wanted.length} records, all there`);
  return [...lines, ...firstDifference(wanted, found)];
}

function name({ text }: Step): string {
  return text.split('\0', 1)[0] as string;
}

/** Steps of one side that the other lacks, equal ones counted. */
function difference(wanted: readonly Step[], found: readonly Step[]): { missing: Step[]; surplus: Step[] } {
  const counts = new Map<string, number>();
  for (const { text } of wanted) counts.set(text, (counts.get(text) ?? 0) + 1);
  const surplus: Step[] = [];
  for (const step of found) {
    const left = counts.get(step.text) ?? 0;
    if (left === 0) surplus.push(step);
    else counts.set(step.text, left - 1);
  }
  const missing: Step[] = [];
  for (const step of wanted.toReversed()) {
    const left = counts.get(step.text) ?? 0;
    if (left === 0) continue;
    counts.set(step.text, left - 1);
    missing.push(step);
  }
  return { missing: missing.toReversed(), surplus };
}

function firstDifference(wanted: readonly Step[], found: readonly Step[]): string[] {
  let at = 0;
  while (at < wanted.length && wanted[at]?.text === found[at]?.text) at++;
  const around = (steps: readonly Step[]): string[] =>
    steps
      .slice(Math.max(0, at - 1), at + CONTEXT)
      .map((step) => `      ${step.offset === undefined ? '' : `@${step.offset} `}${step.describe()}`);
  return [
    `first difference at change ${at} of ${wanted.length} expected, ${found.length} found:\n    expected\n${around(wanted).join('\n')}\n    found\n${around(found).join('\n')}`,
  ];
}
