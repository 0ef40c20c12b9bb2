import type { Frame } from './fold.ts';

const WIDTH = 1200;
const ROW = 18;
const MARGIN = 10;
const TITLE_ROWS = 3;
/** Of a monospaced font at 12 pixels. */
const CHARACTER_WIDTH = 7.3;
/** Narrower frames are left out. */
const MIN_WIDTH = 0.5;

/** Hue by where a function is from; what is not named here is grey. */
const HUES: Readonly<Record<string, number>> = {
  'libs/binlog': 30,
  'libs/envelope': 50,
  'libs/kafka': 205,
  'services/reader': 130,
  node: 275,
  'garbage collector': 0,
};

interface Box {
  readonly frame: Frame;
  readonly x: number;
  readonly width: number;
  readonly depth: number;
}

/**
 * A flame graph (callers above, as icicles): a frame is as wide as the share of time in it and below. Plain SVG without script: the
 * browser shows a frame's whole name, place and share when the pointer rests on it.
 */
export function flameGraph(root: Frame, title: string): string {
  const boxes: Box[] = [];
  layOut(root, { x: MARGIN, width: WIDTH - 2 * MARGIN, depth: 0 }, boxes);
  const depth = Math.max(...boxes.map((box) => box.depth)) + 1;
  const height = (depth + TITLE_ROWS) * ROW + 2 * MARGIN;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${MARGIN}" y="${MARGIN + 12}" font-size="15">${escapeXml(title)}</text>`,
    ...legend(root),
    ...boxes.map((box) => drawBox(box, root.totalMicros)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function layOut(frame: Frame, place: Omit<Box, 'frame'>, boxes: Box[]): void {
  if (place.width < MIN_WIDTH) return;
  boxes.push({ frame, ...place });
  let { x } = place;
  for (const child of [...frame.children.values()].toSorted((a, b) => b.totalMicros - a.totalMicros)) {
    const width = (place.width * child.totalMicros) / frame.totalMicros;
    layOut(child, { x, width, depth: place.depth + 1 }, boxes);
    x += width;
  }
}

function legend(root: Frame): string[] {
  let x = MARGIN;
  const y = MARGIN + ROW;
  return Object.keys(HUES).map((from) => {
    const text = `${from} ${percent(selfMicrosOf(root, from), root.totalMicros)}`;
    const line = `<rect x="${x}" y="${y}" width="12" height="12" fill="${color(from, 0)}"/><text x="${x + 16}" y="${y + 10}">${text}</text>`;
    x += 16 + text.length * CHARACTER_WIDTH + 18;
    return line;
  });
}

function selfMicrosOf(frame: Frame, from: string): number {
  let sum = frame.from === from ? frame.selfMicros : 0;
  for (const child of frame.children.values()) sum += selfMicrosOf(child, from);
  return sum;
}

function drawBox({ frame, x, width, depth }: Box, totalMicros: number): string {
  const y = MARGIN + (TITLE_ROWS + depth) * ROW;
  const share = percent(frame.totalMicros, totalMicros);
  const self = frame.selfMicros === 0 ? '' : `, itself ${percent(frame.selfMicros, totalMicros)}`;
  const place = frame.place === '' ? '' : ` (${frame.place})`;
  const label = `${frame.name} ${share}`;
  const room = Math.floor((width - 6) / CHARACTER_WIDTH);
  const shown = label.length <= room ? label : room >= 4 ? `${label.slice(0, room - 1)}…` : '';
  const text = shown === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escapeXml(shown)}</text>`;
  const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" rx="1" fill="${color(frame.from, depth)}"/>`;
  return `<g><title>${escapeXml(`${frame.name}${place}: ${share}${self}`)}</title>${rect}${text}</g>`;
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(1)} %`;
}

/** Neighbours in depth differ a little, so that their borders show. */
function color(from: string, depth: number): string {
  const hue = HUES[from];
  const light = 72 + (depth % 3) * 4;
  return hue === undefined ? `hsl(0 0% ${light}%)` : `hsl(${hue} 75% ${light}%)`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
