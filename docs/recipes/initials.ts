import { defineTransform } from '@tapline/writer/transform';

/** Adds the initials of the name. It sees nothing but the change, so a replay makes the same of it. */
export default defineTransform({
  transform(change) {
    if (change.after === null) return change;
    const words = String(change.after['name'] ?? '').split(' ');
    const initials = words.map((word) => word.slice(0, 1)).join('');
    return { ...change, after: { ...change.after, initials } };
  },
});
