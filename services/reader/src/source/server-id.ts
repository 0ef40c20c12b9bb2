import { createHash } from 'node:crypto';

/**
 * The id under which the server knows this reader. Made from the name it is stable, so that a restarted reader takes the place of its own
 * dead connection, which the server may not have noticed yet. The high half of the range keeps clear of ids that people choose.
 */
export function serverIdOf(config: { readonly name: string; readonly source: { readonly serverId: number } }): number {
  if (config.source.serverId !== 0) return config.source.serverId;
  const hash = createHash('sha256').update(`tapline-reader/${config.name}`).digest();
  return (hash.readUInt32BE(0) | 0x8000_0000) >>> 0;
}
