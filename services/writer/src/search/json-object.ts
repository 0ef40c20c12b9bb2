/** A JSON object out of a configuration's text, or what is wrong with it. */
export function jsonObjectOf(text: string): {
  readonly value: Readonly<Record<string, unknown>>;
  readonly problem?: string;
} {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value: { ...value } };
    return { value: {}, problem: 'must be a JSON object' };
  } catch (error) {
    return { value: {}, problem: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
