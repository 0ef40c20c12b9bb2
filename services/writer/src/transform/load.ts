import { dirname } from 'node:path';
import type { WriterConfig } from '../config.ts';
import { compileTransforms } from './index.ts';
import { loadModules } from './module.ts';
import type { Transform } from './rows.ts';

/** The transforms of a writer, with their modules, whose paths count from the folder of the configuration file. @throws TaplineError CONFIG_INVALID, TRANSFORM_MODULE. */
export async function loadTransforms(
  { transform, maskSecret }: Pick<WriterConfig, 'transform' | 'maskSecret'>,
  file: string | undefined,
): Promise<Transform> {
  const modules = await loadModules(transform, file === undefined ? process.cwd() : dirname(file));
  return compileTransforms(transform, { secret: maskSecret ?? '', modules });
}
