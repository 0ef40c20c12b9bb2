/**
 * Holds what was handled against what was sent: each key's changes one after the other, none left out. A change may come again after the group has changed, and then
 * all behind it come again too.
 */
export class KeyOrder {
  /** Problems found, a line each. */
  readonly problems: string[] = [];
  handled = 0;
  /** Changes that had been handled before. */
  repeated = 0;
  readonly #keys = new Map<number, Key>();

  /** A change was sent. */
  sent(id: number, version: bigint): void {
    const key = this.#key(id);
    key.places.set(version, key.places.size);
  }

  /** A member has handled it, in that member's session (a number that grows with each life of a member). */
  took(member: string, id: number, version: bigint): void {
    const key = this.#key(id);
    const place = key.places.get(version);
    this.handled++;
    if (place === undefined) {
      this.problems.push(`${member} got version ${version} of key ${id}, which was never sent`);
      return;
    }
    if (place > key.last + 1 && place > key.most + 1)
      this.problems.push(`${member} got change ${place} of key ${id} while ${key.most + 1} was to come`);
    else if (place > key.last + 1)
      this.problems.push(`${member} got change ${place} of key ${id} behind its change ${key.last}`);
    if (place <= key.most) this.repeated++;
    key.last = place;
    key.most = Math.max(key.most, place);
  }

  /** Keys with changes that nobody has handled. */
  get open(): number {
    return [...this.#keys.values()].filter(({ most, places }) => most + 1 < places.size).length;
  }

  #key(id: number): Key {
    let key = this.#keys.get(id);
    if (key === undefined) {
      key = { places: new Map(), last: -1, most: -1 };
      this.#keys.set(id, key);
    }
    return key;
  }
}

interface Key {
  /** Version → which change of the key it is. */
  readonly places: Map<bigint, number>;
  /** The change handled last, and the furthest that was. */
  last: number;
  most: number;
}
