import { expect, test } from '@jest/globals';
import { declaration } from './messages.ts';

const SOURCE = `/** Of another one. */
interface Other {
  readonly a: string;
}

/** What it is. */
export interface Meant {
  /** A member. */
  readonly a: { readonly b: string };
}

export type Either =
  | { readonly kind: 'a' }
  | { readonly kind: 'b' };
`;

test('a declaration is shown as it stands in the code, with its comment and nothing of its neighbours', () => {
  expect(declaration(SOURCE, 'Meant', 'x.ts')).toBe(
    '/** What it is. */\ninterface Meant {\n  /** A member. */\n  readonly a: { readonly b: string };\n}',
  );
  expect(declaration(SOURCE, 'Either', 'x.ts')).toBe(
    "type Either =\n  | { readonly kind: 'a' }\n  | { readonly kind: 'b' };",
  );
  expect(() => declaration(SOURCE, 'Nobody', 'x.ts')).toThrow('x.ts declares no Nobody');
});
