import { FilePosition } from '@tapline/binlog';
import { type Finding, goodFinding } from '@tapline/kernel';
import { connect, isEarlierFile, type MysqlAddress, readBinlogEnd, readBinlogFiles } from '@tapline/mysql';
import { executedOf } from './executed.ts';

const CHECK = 'binlog-headroom';

/** Whether the files from a progress record on are all there: of a source without GTIDs. */
export async function fileHeadroom(
  record: Parameters<typeof executedOf>[0] & { readonly serverUuid: string },
  { address, serverUuid }: { readonly address: MysqlAddress; readonly serverUuid: string | undefined },
): Promise<Finding> {
  if (record.serverUuid !== serverUuid) {
    const seen = 'The reader has read from another server: where it goes on here, its anchors tell (source.anchors).';
    return { check: CHECK, level: 'warn', seen, mend: 'Start the reader: it goes on, or says what is missing.' };
  }
  await using connection = await connect(address);
  const files = await readBinlogFiles(connection);
  const ahead = files.filter(({ name }) => isEarlierFile(name, record.file) === false);
  if (ahead[0]?.name !== record.file) {
    return {
      check: CHECK,
      level: 'fail',
      code: 'SOURCE_PURGED',
      seen: `The source has no binlog file ${record.file} any more, which the reader has not read to its end.`,
      mend: 'Start over with a new load: stop the reader, delete the topic of its progress, start it. Then keep the binlog longer: SET PERSIST binlog_expire_logs_seconds = 604800;',
    };
  }
  const { file, position } = await readBinlogEnd(connection);
  const passed = FilePosition.parse(executedOf(record)).includes(FilePosition.parse(`${file}:${position}`));
  if (passed) return goodFinding(CHECK, 'The reader has passed everything that is committed.');
  const bytes = ahead.reduce((sum, one) => sum + one.bytes, -record.position);
  return goodFinding(CHECK, `The reader has ${bytes} bytes of the binlog in front of it.`);
}
