/** What `node --cpu-prof` writes: the call tree's nodes, and which of them was running at each sample (Chrome DevTools Protocol, `Profiler.Profile`). */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds on the system's monotonic clock. */
  readonly startTime: number;
  /** Ids of nodes. */
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** A function as it was called from its parent, with the time spent in it and below. */
export interface Frame {
  readonly name: string;
  /** Where it is from: `libs/binlog`, `node`, `garbage collector`, or a package of node_modules. */
  readonly from: string;
  /** File and line; empty for what is no JavaScript. */
  readonly place: string;
  selfMicros: number;
  totalMicros: number;
  readonly children: Map<string, Frame>;
}

/** Only samples taken in this time count, in microseconds on the monotonic clock. */
export interface Window {
  readonly fromMicros: number;
  readonly toMicros: number;
}

/** Not work: the event loop waits. */
const IDLE = '(idle)';
const REPOSITORY = /\/((?:libs|services|test)\/[^/]+)\/src\/(.*)$/;
const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/;

/** The time of the samples, by function and caller; calls of one function from one place are one frame. Waiting is left out. */
export function foldProfile(profile: CpuProfile, window?: Window): Frame {
  const paths = framePaths(profile.nodes);
  const root = frame('all', '', '');
  let at = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const micros = profile.timeDeltas[i] as number;
    at += micros;
    if (window !== undefined && (at < window.fromMicros || at > window.toMicros)) continue;
    const path = paths.get(id) as readonly Frame[];
    if (path[0]?.name === IDLE) continue;
    addSample(root, path, micros);
  }
  return root;
}

function addSample(root: Frame, path: readonly Frame[], micros: number): void {
  let parent = root;
  root.totalMicros += micros;
  for (const { name, from, place } of path) {
    const key = `${name} ${place}`;
    const child = parent.children.get(key) ?? frame(name, from, place);
    parent.children.set(key, child);
    child.totalMicros += micros;
    parent = child;
  }
  parent.selfMicros += micros;
}

/** The frames from the outermost call to each node, without the profile's own root. */
function framePaths(nodes: readonly ProfileNode[]): Map<number, readonly Frame[]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const paths = new Map<number, readonly Frame[]>();
  const root = nodes[0] as ProfileNode;
  const open: [ProfileNode, readonly Frame[]][] = [[root, []]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, path] = next;
    paths.set(node.id, path);
    for (const id of node.children ?? []) {
      const child = byId.get(id) as ProfileNode;
      open.push([child, [...path, frameOf(child)]]);
    }
  }
  return paths;
}

function frameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): Frame {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const own = REPOSITORY.exec(url);
  if (own !== null) return frame(name, own[1] as string, `${own[1]}/src/${own[2]}:${lineNumber + 1}`);
  const other = PACKAGE.exec(url);
  if (other !== null) return frame(name, other[1] as string, `${other[1]}/${other[2]}:${lineNumber + 1}`);
  if (url !== '') return frame(name, 'node', `${url}:${lineNumber + 1}`);
  return frame(name, name === '(garbage collector)' ? 'garbage collector' : 'node', '');
}

function frame(name: string, from: string, place: string): Frame {
  return { name, from, place, selfMicros: 0, totalMicros: 0, children: new Map() };
}

/** Each function's own time, wherever it was called from, the largest first. */
export function selfTimes(root: Frame): { readonly frame: Frame; readonly micros: number }[] {
  const sums = new Map<string, { frame: Frame; micros: number }>();
  const open = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const key = `${next.name} ${next.place}`;
    const sum = sums.get(key) ?? { frame: next, micros: 0 };
    sum.micros += next.selfMicros;
    sums.set(key, sum);
    open.push(...next.children.values());
  }
  return [...sums.values()].filter(({ micros }) => micros > 0).toSorted((a, b) => b.micros - a.micros);
}

/** Shares (0 to 1) of the time by where the functions are from. */
export function sharesByOrigin(root: Frame): Map<string, number> {
  const shares = new Map<string, number>();
  for (const {
    frame: { from },
    micros,
  } of selfTimes(root)) {
    shares.set(from, (shares.get(from) ?? 0) + micros / root.totalMicros);
  }
  return shares;
}
