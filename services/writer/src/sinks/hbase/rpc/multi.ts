import { RemoteException } from './connection.ts';
import { Fields, type MessageWriter } from './message.ts';
import { type Region, regionSpecifier } from './regions.ts';

/** What became of one action of a request: done (of a Get: whether it found anything), or why not. */
export type ActionAnswer = 'done' | 'found' | RemoteException;

/** The actions of a request: how many each of its parts has, a part being what goes to one region. */
export type Parts = readonly number[];

/**
 * Writes a MultiRequest with an action for each item. Items of a region that follow each other make a part.
 *
 *     MultiRequest{regionAction=1{region=1, action=3}}
 *
 * @param write writes the action with the index that it is given; `false`: there is none for this item
 */
export function writeMulti<T extends { readonly region: Region }>(
  message: MessageWriter,
  items: Iterable<T>,
  write: (item: T, index: number) => boolean,
): Parts {
  const parts: number[] = [];
  let region: Region | undefined;
  let opened = 0;
  let index = 0;
  for (const item of items) {
    if (item.region !== region) {
      if (region !== undefined) message.close(opened);
      region = item.region;
      opened = message.open(1);
      message.bytes(1, regionSpecifier(region));
      parts.push(0);
    }
    if (!write(item, index)) continue;
    index++;
    parts[parts.length - 1] = (parts.at(-1) ?? 0) + 1;
  }
  if (region !== undefined) message.close(opened);
  return parts;
}

const PUT = 2;

/** Action{index=1, mutation=2{row=1, mutate_type=2, associated_cell_count=8}}: the row's cells stand in the block behind the request. */
export function writePut(message: MessageWriter, index: number, row: Buffer, cells: number): void {
  const action = message.open(3);
  message.uint(1, index);
  const mutation = message.open(2);
  message.bytes(1, row);
  message.uint(2, PUT);
  message.uint(8, cells);
  message.close(mutation);
  message.close(action);
}

/**
 * The answers to the actions, by their index; undefined where the server gave none.
 *
 *     MultiResponse{regionActionResult=1{resultOrException=1{index=1, result=2{exists=3}, exception=3}, exception=2}}
 */
export function readMulti(bytes: Buffer, parts: Parts): readonly (ActionAnswer | undefined)[] {
  const answers: (ActionAnswer | undefined)[] = [];
  const fields = new Fields(bytes);
  let part = 0;
  let first = 0;
  while (fields.next()) {
    if (fields.field !== 1) continue;
    const count = parts[part++] ?? 0;
    readPart(fields.within, answers, { first, count });
    first += count;
  }
  return answers;
}

function readPart(
  fields: Fields,
  answers: (ActionAnswer | undefined)[],
  { first, count }: { readonly first: number; readonly count: number },
): void {
  while (fields.next()) {
    if (fields.field === 1) readAction(fields.within, answers);
    else if (fields.field === 2) {
      const exception = readException(fields.within);
      for (let index = first; index < first + count; index++) answers[index] = exception;
    }
  }
}

function readAction(fields: Fields, answers: (ActionAnswer | undefined)[]): void {
  let index = 0;
  let answer: ActionAnswer = 'done';
  while (fields.next()) {
    if (fields.field === 1) index = fields.number;
    else if (fields.field === 3) answer = readException(fields.within);
    else if (fields.field === 2 && exists(fields.within)) answer = 'found';
  }
  answers[index] = answer;
}

function exists(fields: Fields): boolean {
  while (fields.next()) if (fields.field === 3) return fields.number !== 0;
  return false;
}

/** NameBytesPair{name=1, value=2}: the class, and its text. Whether it is final is not said here; a class that is not known is taken for that. */
function readException(fields: Fields): RemoteException {
  let className = '';
  let text = '';
  while (fields.next()) {
    if (fields.field === 1) className = fields.text;
    else if (fields.field === 2) text = fields.text;
  }
  return new RemoteException(className, text, true);
}
