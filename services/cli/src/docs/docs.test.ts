import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { command as reader } from '@tapline/reader';
import { command as writer } from '@tapline/writer';
import { COMMANDS } from '../commands.ts';
import { commandLines, wrongCommandLines } from './command-lines.ts';
import { wrongConfigs } from './configs.ts';
import { brokenLinks, staleCode } from './links.ts';
import { unknownNames } from './names.ts';
import { isGenerated, readPages } from './page.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SERVICES = [reader, writer];
const all = readPages(ROOT);
const pages = all.filter((page) => !isGenerated(page));

test('every link leads to a file, a heading or a test that is there', () => {
  expect(brokenLinks(all, ROOT)).toEqual([]);
  expect(pages.flatMap((page) => page.links).length).toBeGreaterThan(30);
});

test('every command has the name and the flags that the command line knows', async () => {
  expect(await wrongCommandLines(pages, COMMANDS, SERVICES)).toEqual([]);
  expect(pages.flatMap(commandLines).length).toBeGreaterThan(30);
});

test('every configuration is one that the service takes', () => {
  expect(wrongConfigs(pages, SERVICES)).toEqual([]);
  const shown = pages.flatMap(({ blocks }) => blocks.filter(({ info }) => info.startsWith('yaml')));
  expect(shown.length).toBeGreaterThan(12);
});

test('every error code, metric and key exists', () => {
  expect(unknownNames(pages, SERVICES)).toEqual([]);
});

test('code that is shown as a file is what stands in it', () => {
  expect(staleCode(pages, ROOT)).toEqual([]);
});

test('no fence is left open', () => {
  expect(
    pages.flatMap(({ path, blocks }) => blocks.filter(({ info }) => info === 'never closed').map(() => path)),
  ).toEqual([]);
});
