import type { Finding } from '@tapline/kernel';

/** What was found about one configuration file. */
export interface Report {
  readonly file: string;
  readonly service: string;
  readonly areas: Readonly<Record<string, readonly Finding[]>>;
}

const MARKS = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const;

/** For people: a line a finding, what mends it below, and the counts at the end. */
export function asText(reports: readonly Report[], quiet: boolean): string {
  const lines = reports.flatMap(({ file, service, areas }) => [
    `${service} ${file}`,
    ...Object.entries(areas).flatMap(([area, findings]) => areaLines(area, findings, quiet)),
  ]);
  const all = reports.flatMap(({ areas }) => Object.values(areas).flat());
  const count = (level: Finding['level']): number => all.filter((finding) => finding.level === level).length;
  return `${[...lines, `${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failed`].join('\n')}\n`;
}

function areaLines(area: string, findings: readonly Finding[], quiet: boolean): string[] {
  const shown = quiet ? findings.filter(({ level }) => level !== 'ok') : findings;
  return shown.length === 0 ? [] : [`  ${area}`, ...shown.flatMap(findingLines)];
}

function findingLines({ check, level, seen, mend, code }: Finding): string[] {
  const head = `    ${MARKS[level]}  ${check}: ${code === undefined ? '' : `${code}: `}${seen}`;
  return mend === '' ? [head] : [head, ...mend.split('\n').map((line) => `          → ${line}`)];
}
