/** The list of this key, made when there is none. */
export function entry<V>(lists: Map<string, V[]>, key: string): V[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
