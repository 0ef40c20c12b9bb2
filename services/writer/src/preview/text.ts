import type { PreviewedChange, PreviewedRecord } from './preview.ts';

/** A record as a block of lines. */
export function recordText({ topic, partition, offset, timestamp, changes, error }: PreviewedRecord): string {
  const lines = [`${topic}/${partition}/${offset}  ${timestamp}`];
  if (error !== undefined) lines.push(`  cannot be read  ${error.code}: ${error.message}`);
  else if (changes.length === 0) lines.push('  holds no change of a row');
  for (const change of changes) lines.push(...changeLines(change));
  return `${lines.join('\n')}\n`;
}

function changeLines({ change, written, sends, error }: PreviewedChange): string[] {
  const lines = [`  read     ${change.op} ${JSON.stringify(change.key)} version ${change.version}`];
  lines.push(`           ${JSON.stringify(change.before)} → ${JSON.stringify(change.after)}`);
  if (error !== undefined) return [...lines, `  fails    ${error.code}: ${error.message}`];
  if (written === null) return [...lines, '  left out by the transforms'];
  lines.push(`  written  ${written.op} ${JSON.stringify(written.key)}`);
  lines.push(`           ${JSON.stringify(written.before)} → ${JSON.stringify(written.after)}`);
  if (sends !== undefined)
    lines.push(...sends.split('\n').map((line, at) => `  ${at === 0 ? 'sends   ' : '        '} ${line}`));
  return lines;
}
