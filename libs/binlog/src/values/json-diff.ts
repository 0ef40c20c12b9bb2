import { corrupt } from '../event-errors.ts';
import { EventReader } from '../event-reader.ts';
import { MAX_JSON_DEPTH } from './json-layout.ts';
import { type JsonLeg, JsonTree } from './json-tree.ts';

const OPERATION = { REPLACE: 0, INSERT: 1, REMOVE: 2 };

/** Bytes of a value within a buffer. */
export interface ByteRange {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * The binary JSON that a document becomes by a list of differences (Json_diff_vector of sql-common/json_diff.cc):
 *   each: u8 operation (0 replace, 1 insert, 2 remove) · packed length, path · replace and insert: packed length, binary value with its type
 * Insert puts a member into an object, or a cell into an array in front of the one that is there.
 */
export function applyJsonDiffs(document: ByteRange, diffs: ByteRange): Buffer {
  const tree = new JsonTree(document.buffer, document.start, document.end);
  const reader = new EventReader().reset(diffs.buffer, diffs.start, diffs.end);
  while (reader.remaining > 0) {
    const operation = reader.u8('JSON difference');
    const path = parseJsonPath(reader.text(reader.packed('JSON path length'), 'JSON path'));
    if (operation === OPERATION.REMOVE) {
      tree.remove(path);
      continue;
    }
    const length = reader.packed('JSON value length');
    const start = reader.take(length, 'JSON value');
    const value = tree.value(reader.buffer, start, start + length);
    if (operation === OPERATION.REPLACE) tree.replace(path, value);
    else if (operation === OPERATION.INSERT) tree.insert(path, value);
    else throw corrupt(`JSON difference ${operation}`);
  }
  return tree.toBuffer();
}

const LEG = /\.(?:("(?:[^"\\]|\\.)*")|([^.[\]"*\s]+))|\[\s*(?:(\d{1,10})|last(?:\s*-\s*(\d{1,10}))?)\s*\]/suy;

/** A path without wildcards, as Json_path::to_string writes it: `$.name."other name"[2][last-1]`. */
export function parseJsonPath(text: string): JsonLeg[] {
  const legs: JsonLeg[] = [];
  if (text[0] !== '$') throw badPath(text);
  LEG.lastIndex = 1;
  for (let at = 1; at < text.length; at = LEG.lastIndex) {
    if (legs.length >= MAX_JSON_DEPTH) throw badPath(text);
    const [leg, quoted, plain, cell, fromLast] = LEG.exec(text) ?? [];
    if (leg === undefined) throw badPath(text);
    if (quoted !== undefined) legs.push({ member: Buffer.from(unquoted(quoted, text)) });
    else if (plain !== undefined) legs.push({ member: Buffer.from(plain) });
    else legs.push({ cell: Number(cell ?? fromLast ?? 0), fromLast: cell === undefined });
  }
  return legs;
}

function unquoted(name: string, path: string): string {
  try {
    return JSON.parse(name) as string;
  } catch {
    throw badPath(path);
  }
}

function badPath(text: string): Error {
  return corrupt(`the JSON path ${JSON.stringify(text.slice(0, 100))}`);
}
