import type { World } from './world.ts';

/**
 * What a recipe's store must hold. `expect` says it from what MySQL holds at that moment, so that it must hold after the first load and again after the changes; it throws while it
 * does not.
 */
export interface Check {
  /** Before the writers start: topics that nobody else fills. */
  arrange?(world: World): Promise<void>;
  /** After the first load: what an application does with the store. */
  use?(world: World): Promise<void>;
  expect(world: World): Promise<void>;
}

export type Checks = Readonly<Record<string, Check>>;
