import type { CommandEntry } from './command.ts';

/** Every command, in the order of `tapline help`. A new one is one module and one line here. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary:
      'MySQL → Kafka → stores live on this machine, with services killed and stores restarted on the way and every row compared',
    load: async () => (await import('./demo/index.ts')).demo,
  },
  {
    name: 'reader',
    summary: 'follow a MySQL binlog and publish its row changes to Kafka',
    load: async () => (await import('@tapline/reader')).command,
  },
  {
    name: 'writer',
    summary: 'apply the changes of topics to a store, such as Redis',
    load: async () => (await import('@tapline/writer')).command,
  },
  {
    name: 'doctor',
    summary: 'check what a reader or writer depends on, and print what mends it',
    load: async () => (await import('./doctor/index.ts')).doctor,
  },
  {
    name: 'deadletter',
    summary: 'show what a writer could not apply, try it again, or drop it',
    load: async () => (await import('./deadletter/index.ts')).deadletter,
  },
  {
    name: 'replay',
    summary: 'give a writer’s topics to its store once more, from any place, beside the running writer',
    load: async () => (await import('./replay/index.ts')).replay,
  },
  {
    name: 'schema',
    summary: 'show what a source’s tables were at any place of its binlog; rebuild the history of that',
    load: async () => (await import('./schema/index.ts')).schema,
  },
  {
    name: 'config',
    summary: 'check a configuration file; generate the reference pages and JSON Schemas',
    load: async () => (await import('./config/index.ts')).config,
  },
  {
    name: 'client',
    summary: 'pack @tapline/client, the engine of the writers as a library, for other projects',
    load: async () => (await import('./client/index.ts')).client,
  },
  {
    name: 'up',
    summary: 'start MySQL, Kafka, Redis and a schema registry on this machine, to play with',
    load: async () => (await import('./up/index.ts')).up,
  },
  {
    name: 'down',
    summary: 'stop what up or demo --keep left running',
    load: async () => (await import('./down/index.ts')).down,
  },
  {
    name: 'status',
    summary: 'show what up or demo --keep left running',
    load: async () => (await import('./status/index.ts')).status,
  },
  {
    name: 'bench',
    summary: 'measure speed and memory on this machine, beside what limits them',
    load: async () => (await import('./bench/index.ts')).bench,
  },
  {
    name: 'test',
    summary: 'run the tests: unit, against real servers, kill and restart',
    load: async () => (await import('./test/index.ts')).test,
  },
];
