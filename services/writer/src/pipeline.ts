import { dirname } from 'node:path';
import { type Change, type ChangeDecode, type Decode, type Decoded, decoder } from '@tapline/sink';
import type { WriterConfig } from './config.ts';
import { formatDecoder } from './formats/index.ts';
import { compileTransforms } from './transform/index.ts';
import { loadModules } from './transform/module.ts';
import type { Transform } from './transform/rows.ts';

/** From a record to what is given to the sink: the same for a writer, for its dry run and for a dead letter that is tried again. */
export interface Pipeline {
  /** The changes of a record, before the transforms. */
  readonly read: Decode;
  readonly transform: Transform;
  /** Both. */
  readonly decode: Decode;
}

/**
 * @param file the configuration's: paths of transform modules count from its folder.
 * @throws TaplineError CONFIG_INVALID, TRANSFORM_MODULE.
 */
export async function openPipeline(
  config: Pick<WriterConfig, 'source' | 'transform' | 'maskSecret'>,
  file: string | undefined,
  parts: Parameters<typeof decoder>[0],
): Promise<Pipeline> {
  const { source } = config;
  const transform = await openTransform(config, file);
  const { keys, types, timestampZone, versionEpoch } = source.foreign;
  const options = { format: source.format, keys, types, zone: timestampZone, epoch: versionEpoch };
  // A transform makes another change out of a change's parts. Without any, most sinks write rows on without looking at them.
  const own = decoder({ ...parts, encoded: config.transform.length === 0 });
  const read = formatDecoder(options, own);
  return {
    read,
    transform,
    decode: source.format === 'tapline' ? transformed(own, transform) : transformedAll(read, transform),
  };
}

/** The transforms alone, with their modules. @throws as openPipeline. */
export async function openTransform(
  { transform: steps, maskSecret }: Pick<WriterConfig, 'transform' | 'maskSecret'>,
  file: string | undefined,
): Promise<Transform> {
  const modules = await loadModules(steps, file === undefined ? process.cwd() : dirname(file));
  return compileTransforms(steps, { secret: maskSecret ?? '', modules });
}

/** Of a decoder that gives one change a record: the way of every record of a Tapline topic. */
function transformed(read: ChangeDecode, transform: Transform): Decode {
  return (batch, record) => {
    const change = read(batch, record);
    return change instanceof Promise ? change.then(transform) : transform(change);
  };
}

function transformedAll(read: Decode, transform: Transform): Decode {
  const all = (decoded: Decoded): Decoded => {
    if (decoded === undefined) return undefined;
    const changes = changesOf(decoded).flatMap((change) => transform(change) ?? []);
    return isList(decoded) ? changes : changes[0];
  };
  return (batch, record) => {
    const decoded = read(batch, record);
    return decoded instanceof Promise ? decoded.then(all) : all(decoded);
  };
}

/** What a record says, as a list. */
export function changesOf(decoded: Decoded): readonly Change[] {
  if (decoded === undefined) return [];
  return isList(decoded) ? decoded : [decoded];
}

function isList(decoded: Change | readonly Change[]): decoded is readonly Change[] {
  return Array.isArray(decoded);
}
