/** How the answer to a bulk begins and ends in which nothing failed, of the members that `BulkSender` asks for. */
const BEGIN = '{"errors":false,"items":[';
const END = ']}';
/** Once in each item. There is nothing else in it. */
const STATUS = '"status":';

/** What `BulkSender` reads of the answer when nothing failed: how many items there are. */
interface WellDone {
  readonly errors: false;
  readonly items: readonly unknown[];
}

/** Reads an answer to a bulk in which nothing failed, without making an object of each item. Undefined: it is another answer. */
export function wellDone(json: string): WellDone | undefined {
  if (!json.startsWith(BEGIN) || !json.endsWith(END)) return undefined;
  let items = 0;
  for (let at = json.indexOf(STATUS); at >= 0; at = json.indexOf(STATUS, at + STATUS.length)) items++;
  return { errors: false, items: new Array(items) };
}
