const SLOTS = 16_384;

/** CRC-16/XMODEM (polynomial 0x1021, start 0), by byte. */
const CRC_TABLE: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  return crc;
});

/**
 * The cluster slot of a key ("Redis cluster specification", key distribution model): CRC16 modulo 16384 of the key, or of what stands between its
 * first `{` and the first `}` after it when that is not empty.
 */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return crc16(close > open + 1 ? key.slice(open + 1, close) : key) % SLOTS;
}

/** A short tag that falls into the slot: `{tag}` puts any key there. The same one for a slot always. */
export function tagOf(slot: number): string {
  tags ??= allTags();
  return tags[slot] ?? '';
}

let tags: readonly string[] | undefined;

function allTags(): readonly string[] {
  const found = new Array<string>(SLOTS).fill('');
  let missing = SLOTS;
  for (let number = 0; missing > 0; number++) {
    const tag = number.toString(36);
    const slot = crc16(tag) % SLOTS;
    if (found[slot] !== '') continue;
    found[slot] = tag;
    missing--;
  }
  return found;
}

function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[(crc >> 8) ^ byte] ?? 0);
  return crc;
}
