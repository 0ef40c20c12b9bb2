import { Cursor } from './avro-read.ts';
import type { Change } from './change-reader.ts';
import type { EncodedImage, RowVisitor } from './encoded-image.ts';
import { type AbsentNames, leaveOut, type Row, type ScannedEnvelope, type SourceBlock } from './records.ts';

const READING = new Cursor();
const VISITING = new Cursor();

/**
 * A change whose rows are made when somebody asks for them: who only writes them on can take them column by column instead (`visitAfter`), which makes no
 * objects. What is behind it has been looked through, so that nothing of it is damaged. It keeps the record's bytes.
 */
export class EncodedChange implements Change {
  readonly topic: string;
  readonly key: Row | null;
  readonly op: Change['op'];
  readonly source: SourceBlock;
  readonly absent: AbsentNames | null;
  readonly version: bigint;
  readonly tombstone = false;
  readonly #value: Buffer;
  readonly #scanned: ScannedEnvelope;
  #before: Row | null | undefined;
  #after: Row | null | undefined;

  constructor(
    { topic, key, version, value }: { topic: string; key: Row | null; version: bigint; value: Buffer },
    scanned: ScannedEnvelope,
  ) {
    this.topic = topic;
    this.key = key;
    this.version = version;
    this.op = scanned.op;
    this.source = scanned.source;
    this.absent = scanned.absent;
    this.#value = value;
    this.#scanned = scanned;
  }

  get before(): Row | null {
    if (this.#before === undefined) {
      this.#before = this.#image(this.#scanned.images.before, this.#scanned.beforeAt);
      if (this.absent !== null) leaveOut(this.absent, { before: this.#before, after: null });
    }
    return this.#before;
  }

  get after(): Row | null {
    if (this.#after === undefined) {
      this.#after = this.#image(this.#scanned.images.after, this.#scanned.afterAt);
      if (this.absent !== null) leaveOut(this.absent, { before: null, after: this.#after });
    }
    return this.#after;
  }

  /** The columns of the rows, in their order: one array for all changes of a schema. */
  get columns(): readonly string[] {
    return this.#scanned.images.after.columns;
  }

  /** Whether there is a row after the change. */
  get hasAfter(): boolean {
    VISITING.open(this.#value, this.#scanned.afterAt);
    return this.#scanned.images.after.enter(VISITING);
  }

  /** Tells every column of the row after the change, also those that are `absent`: as NULL. */
  visitAfter(visitor: RowVisitor): void {
    if (this.hasAfter) this.#scanned.images.after.visit(VISITING, visitor);
  }

  #image(image: EncodedImage, at: number): Row | null {
    READING.open(this.#value, at);
    return image.read(READING);
  }
}
