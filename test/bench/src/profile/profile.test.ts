import { expect, test } from '@jest/globals';
import { type CpuProfile, foldProfile, selfTimes, sharesByOrigin } from './fold.ts';
import { flameGraph } from './svg.ts';

const at = (functionName: string, url = ''): { functionName: string; url: string; lineNumber: number } => ({
  functionName,
  url,
  lineNumber: 6,
});

/** run (reader) calls decode (binlog), at two nodes; 1 ms a sample from 1,000 µs on. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: at('(root)'), children: [2, 5, 6] },
    { id: 2, callFrame: at('run', 'file:///x/services/reader/src/pump.ts'), children: [3, 4] },
    { id: 3, callFrame: at('decode', 'file:///x/libs/binlog/src/a.ts') },
    { id: 4, callFrame: at('decode', 'file:///x/libs/binlog/src/a.ts') },
    { id: 5, callFrame: at('(idle)') },
    { id: 6, callFrame: at('(garbage collector)') },
  ],
  startTime: 1000,
  samples: [2, 3, 4, 5, 6],
  timeDeltas: [1000, 1000, 1000, 1000, 1000],
};

test('samples become time by caller; calls of one function are one frame, waiting is none', () => {
  const root = foldProfile(profile);
  expect(root.totalMicros).toBe(4000);
  const [run] = root.children.values();
  expect(run).toMatchObject({ name: 'run', from: 'services/reader', totalMicros: 3000, selfMicros: 1000 });
  expect([...(run?.children.values() ?? [])]).toMatchObject([
    { name: 'decode', place: 'libs/binlog/src/a.ts:7', selfMicros: 2000 },
  ]);
  expect(selfTimes(root)[0]).toMatchObject({ frame: { name: 'decode' }, micros: 2000 });
  expect(Object.fromEntries(sharesByOrigin(root))).toEqual({
    'services/reader': 0.25,
    'libs/binlog': 0.5,
    'garbage collector': 0.25,
  });
});

test('only the window counts', () => {
  expect(foldProfile(profile, { fromMicros: 2500, toMicros: 4000 }).totalMicros).toBe(2000);
});

test('the graph names each function with its share, safe for XML', () => {
  const root = foldProfile(profile);
  const svg = flameGraph(root, 'a <b> & c');
  expect(svg).toContain('a &lt;b&gt; &amp; c');
  expect(svg).toContain('<title>decode (libs/binlog/src/a.ts:7): 50.0 %, itself 50.0 %</title>');
  expect(svg).toContain('>run 75.0 %</text>');
  expect(svg.match(/<g>/g)).toHaveLength(svg.match(/<\/g>/g)?.length ?? -1);
});
