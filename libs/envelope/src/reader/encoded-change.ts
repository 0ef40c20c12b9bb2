import { Cursor } from './avro-read.ts';
import type { Change } from './change-reader.ts';
import type { EncodedImage, RowVisitor } from './encoded-image.ts';
import { type AbsentNames, type EnvelopeLayout, leaveOut, type Row, type ScannedEnvelope } from './records.ts';
import type { SourceBlock, SourceOrigin } from './source-block.ts';

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
  readonly absent: AbsentNames | null;
  readonly version: bigint;
  readonly tombstone = false;
  readonly #bytes: Buffer;
  readonly #layout: EnvelopeLayout;
  readonly #origin: SourceBlock;
  readonly #sourceAt: number;
  readonly #beforeAt: number;
  readonly #afterAt: number;
  #source: SourceBlock | undefined;
  #before: Row | null | undefined;
  #after: Row | null | undefined;

  /** `bytes`: what was scanned, the places in it count from its start. */
  constructor(
    { topic, key, version, bytes }: { topic: string; key: Row | null; version: bigint; bytes: Buffer },
    scanned: ScannedEnvelope,
  ) {
    this.topic = topic;
    this.key = key;
    this.version = version;
    this.op = scanned.op;
    this.absent = scanned.absent;
    this.#bytes = bytes;
    this.#layout = scanned.layout;
    this.#origin = scanned.origin;
    this.#sourceAt = scanned.sourceAt;
    this.#beforeAt = scanned.beforeAt;
    this.#afterAt = scanned.afterAt;
  }

  get source(): SourceBlock {
    if (this.#source === undefined) {
      READING.open(this.#bytes, this.#sourceAt);
      this.#source = this.#layout.source.whole(READING, this.#origin);
    }
    return this.#source;
  }

  /** What is the same in `source` of many changes, without an object made for this one. */
  get origin(): SourceOrigin {
    return this.#origin;
  }

  get before(): Row | null {
    if (this.#before === undefined) {
      this.#before = this.#image(this.#layout.before, this.#beforeAt);
      if (this.absent !== null) leaveOut(this.absent, { before: this.#before, after: null });
    }
    return this.#before;
  }

  get after(): Row | null {
    if (this.#after === undefined) {
      this.#after = this.#image(this.#layout.after, this.#afterAt);
      if (this.absent !== null) leaveOut(this.absent, { before: null, after: this.#after });
    }
    return this.#after;
  }

  /** The columns of the rows, in their order: one array for all changes of a schema. */
  get columns(): readonly string[] {
    return this.#layout.after.columns;
  }

  /** Whether there is a row after the change. */
  get hasAfter(): boolean {
    VISITING.open(this.#bytes, this.#afterAt);
    return this.#layout.after.enter(VISITING);
  }

  /** Tells every column of the row after the change, also those that are `absent`: as NULL. */
  visitAfter(visitor: RowVisitor): void {
    if (this.hasAfter) this.#layout.after.visit(VISITING, visitor);
  }

  #image(image: EncodedImage, at: number): Row | null {
    READING.open(this.#bytes, at);
    return image.read(READING);
  }
}
