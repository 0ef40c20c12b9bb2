import { expect, test } from '@jest/globals';
import { measureInTurns, type TurnTaker } from './turns.ts';

/** Does so many rows a turn, as long as there are some. */
class Steady implements TurnTaker {
  readonly what: string;
  readonly processes = {};
  left: number;
  readonly #rows: number;
  readonly #story: string[];

  constructor(what: string, { left, rows, story }: { left: number; rows: number; story: string[] }) {
    this.what = what;
    this.left = left;
    this.#rows = rows;
    this.#story = story;
  }

  work(ms: number): Promise<number> {
    const done = Math.min(this.left, this.#rows);
    this.left -= done;
    this.#story.push(`${this.what} ${done} in ${ms}`);
    return Promise.resolve(done);
  }
}

test('turns go on until one of them has too little left for another whole one, each is settled, and what was done is added up', async () => {
  const story: string[] = [];
  const takers = [
    new Steady('slow', { left: 1000, rows: 100, story }),
    new Steady('fast', { left: 820, rows: 200, story }),
  ];
  const settle = (): Promise<void> => {
    story.push('settled');
    return Promise.resolve();
  };
  const measured = await measureInTurns(takers, { run: 1, turnMs: 50, settle });
  const turn = ['slow 100 in 50', 'settled', 'fast 200 in 50', 'settled'];
  expect(story).toEqual([...turn, ...turn, ...turn]);
  expect(measured).toMatchObject([
    { what: 'slow', rows: 300, figures: { turns: 3 } },
    { what: 'fast', rows: 600, figures: { turns: 3 } },
  ]);
});

test('in every other run the last one begins; what is told stays in their order', async () => {
  const story: string[] = [];
  const takers = ['first', 'second'].map((what) => new Steady(what, { left: 10, rows: 10, story }));
  const measured = await measureInTurns(takers, { run: 2, turnMs: 1, settle: () => Promise.resolve() });
  expect(story).toEqual(['second 10 in 1', 'first 10 in 1']);
  expect(measured.map(({ what }) => what)).toEqual(['first', 'second']);
});

test('few rows are one turn', async () => {
  const taker = new Steady('only', { left: 10, rows: 100, story: [] });
  const measured = await measureInTurns([taker], { run: 1, settle: () => Promise.resolve() });
  expect(measured).toMatchObject([{ rows: 10, figures: { turns: 1 } }]);
});
