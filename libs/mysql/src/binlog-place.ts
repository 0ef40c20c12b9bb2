/** A place in the binlog files of one server. */
export interface BinlogPlace {
  readonly file: string;
  readonly position: number;
}

interface FileName {
  readonly base: string;
  readonly number: number;
}

/** `binlog.000042`: the number grows from file to file and gets more digits when it needs them ("The Binary Log" in the manual). */
function parseName(file: string): FileName {
  const dot = file.lastIndexOf('.');
  return { base: file.slice(0, dot), number: Number(file.slice(dot + 1)) };
}

/** Whether the server wrote `file` before `other`; undefined when that cannot be told, because the server was given another name for its files. */
export function isEarlierFile(file: string, other: string): boolean | undefined {
  const a = parseName(file);
  const b = parseName(other);
  return a.base === b.base ? a.number < b.number : undefined;
}

/** Whether who has come to `passed` has come to `place`, which is of the same server; no, where that cannot be told. */
export function hasReached(passed: BinlogPlace, place: BinlogPlace): boolean {
  if (place.file === passed.file) return place.position <= passed.position;
  return isEarlierFile(place.file, passed.file) === true;
}
