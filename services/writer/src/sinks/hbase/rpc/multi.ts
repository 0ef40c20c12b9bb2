import { RemoteException } from './connection.ts';
import { Fields } from './message.ts';

/** What became of one conditional row of a request: written, kept as it was, or why not. */
export type RegionAnswer = 'written' | 'kept' | RemoteException;

/**
 * The answers of a Multi request, in the order of its parts.
 *
 *     MultiResponse{regionActionResult=1{resultOrException=1{exception=3}, exception=2, processed=3}}
 */
export function readMulti(bytes: Buffer): readonly RegionAnswer[] {
  const answers: RegionAnswer[] = [];
  const fields = new Fields(bytes);
  while (fields.next()) if (fields.field === 1) answers.push(readAnswer(fields.bytes));
  return answers;
}

function readAnswer(bytes: Buffer): RegionAnswer {
  const fields = new Fields(bytes);
  let processed = false;
  let exception: RemoteException | undefined;
  while (fields.next()) {
    if (fields.field === 2) exception = readException(fields.bytes);
    else if (fields.field === 3) processed = fields.number !== 0;
    else if (fields.field === 1) exception ??= exceptionIn(fields.bytes);
  }
  if (exception !== undefined) return exception;
  return processed ? 'written' : 'kept';
}

function exceptionIn(resultOrException: Buffer): RemoteException | undefined {
  const fields = new Fields(resultOrException);
  while (fields.next()) if (fields.field === 3) return readException(fields.bytes);
  return undefined;
}

/** NameBytesPair{name=1, value=2}: the class, and its text. Whether it is final is not said here; a class that is not known is taken for that. */
function readException(bytes: Buffer): RemoteException {
  const fields = new Fields(bytes);
  let className = '';
  let text = '';
  while (fields.next()) {
    if (fields.field === 1) className = fields.text;
    else if (fields.field === 2) text = fields.text;
  }
  return new RemoteException(className, text, true);
}
