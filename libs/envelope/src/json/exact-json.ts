/** A number of 17 digits, or of 16 that starts with 9, may be beyond 2^53; so may text in a string that looks like one, which costs time only. */
const MAY_ROUND = /(?:^|[:,[])\s*-?(?:[1-9][0-9]{16}|9[0-9]{15})/;
const INTEGER = /^-?[0-9]+$/;

/** JSON.parse without loss: integers beyond 2^53 are bigints. @throws SyntaxError */
export function parseExact(text: string): unknown {
  return MAY_ROUND.test(text) ? (JSON.parse as ParseWithSource)(text, exactNumber) : JSON.parse(text);
}

/** ECMAScript 2026 gives revivers the text of a number; the library's types do not know of it yet. */
type ParseWithSource = (text: string, reviver: typeof exactNumber) => unknown;

function exactNumber(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context.source ?? '';
  return INTEGER.test(source) ? BigInt(source) : value;
}
