import { expect, test } from '@jest/globals';
import { type BinlogChange, BinlogTextReader, printedValue } from './binlog-text.ts';
import { imageValues } from './image.ts';

function read(text: string, wants: (table: string) => boolean = () => true): BinlogChange[] {
  const changes: BinlogChange[] = [];
  const reader = new BinlogTextReader({ wants, emit: (change) => changes.push(change) });
  for (const line of Buffer.from(text).toString('latin1').split('\n')) reader.line(line);
  return changes;
}

const TABLE = `#261121 13:24:50 server id 1  end_log_pos 5283 CRC32 0x92ff1789 \tTable_map: \`shop\`.\`lines\` mapped to number 120
# has_generated_invisible_primary_key=0
# Columns(\`order_id\` BIGINT NOT NULL,
#         \`line\` INT UNSIGNED NOT NULL,
#         \`sku\` VARCHAR(50) CHARSET utf8mb4 COLLATE utf8mb4_0900_ai_ci)
# Primary Key(order_id, line)
# at 4877
#261121 13:24:49 server id 1  end_log_pos 4958 CRC32 0x239202c4 \tUpdate_rows: table id 120 flags: STMT_END_F
`;
const BEGIN = `SET @@SESSION.GTID_NEXT= 'ec9743bf-e5ad-11f1-b274-02fc00000001:15'/*!*/;
BEGIN
/*!*/;
`;
const UPDATE = `### UPDATE \`shop\`.\`lines\`
### WHERE
###   @1=-3 (18446744073709551613) /* LONGINT meta=0 nullable=0 is_null=0 */
###   @2=-1 (4294967295) /* INT meta=0 nullable=0 is_null=0 */
###   @3='zß漢🎉 /* it\\'s */' /* VARSTRING(200) meta=200 nullable=1 is_null=0 */
### SET
###   @1=4 /* LONGINT meta=0 nullable=0 is_null=0 */
###   @2=2 /* INT meta=0 nullable=0 is_null=0 */
###   @3=NULL /* VARSTRING(200) meta=200 nullable=1 is_null=1 */
# at 5283
`;

test('an update becomes one change with both images, the GTID and the layout', () => {
  const [change, ...more] = read(`${BEGIN}${TABLE}${UPDATE}COMMIT/*!*/;\n`);
  expect(more).toEqual([]);
  expect(change).toMatchObject({ gtid: 'ec9743bf-e5ad-11f1-b274-02fc00000001:15', table: 'shop.lines', op: 'u' });
  expect(change?.layout.primaryKey).toEqual(['order_id', 'line']);
  expect(imageValues(change?.before ?? '')).toEqual(['-3', '4294967295', JSON.stringify("zß漢🎉 /* it's */")]);
  expect(imageValues(change?.after ?? '')).toEqual(['4', '2']);
});

test('several rows of one event are several changes', () => {
  const row = (n: number): string => `### DELETE FROM \`shop\`.\`lines\`
### WHERE
###   @1=${n} /* LONGINT meta=0 nullable=0 is_null=0 */
###   @2=2 /* INT meta=0 nullable=0 is_null=0 */
###   @3='' /* VARSTRING(200) meta=200 nullable=1 is_null=0 */
`;
  const changes = read(`${BEGIN}${TABLE}${row(1)}${row(2)}COMMIT/*!*/;\n`);
  expect(changes.map(({ op, before, after }) => [op, imageValues(before ?? '')[0], after])).toEqual([
    ['d', '1', undefined],
    ['d', '2', undefined],
  ]);
});

test('what is prepared comes with its XA COMMIT, under the GTID of that', () => {
  const gtid = (number: number): string =>
    `SET @@SESSION.GTID_NEXT= 'ec9743bf-e5ad-11f1-b274-02fc00000001:${number}'/*!*/;\n`;
  const xa = (words: string, xid: string): string => `XA ${words} X'${xid}',X'',1\n/*!*/;\n`;
  const prepared = (number: number, xid: string): string =>
    `${gtid(number)}${xa('START', xid)}${TABLE}${UPDATE}${xa('END', xid)}${xa('PREPARE', xid)}`;
  const text = [
    prepared(1, '61'),
    prepared(2, '62'),
    `${BEGIN}${TABLE}${UPDATE}COMMIT/*!*/;\n`,
    `${gtid(20)}${xa('ROLLBACK', '62')}`,
    `${gtid(21)}${xa('COMMIT', '61')}`,
    `${gtid(22)}${xa('START', '63')}${TABLE}${UPDATE}${xa('END', '63')}XA COMMIT X'63',X'',1 ONE PHASE\n/*!*/;\n`,
    prepared(23, '64'),
  ].join('');
  expect(read(text).map((change) => change.gtid.split(':')[1])).toEqual(['15', '21', '22']);
});

test('what was not committed, or is not wanted, is not there', () => {
  expect(read(`${BEGIN}${TABLE}${UPDATE}ROLLBACK/*!*/;\nCOMMIT/*!*/;\n`)).toEqual([]);
  expect(read(`${BEGIN}${TABLE}${UPDATE}`)).toEqual([]);
  expect(read(`${BEGIN}${TABLE}${UPDATE}COMMIT/*!*/;\n`, () => false)).toEqual([]);
});

test.each([
  ['DECIMAL(12,2)', '-12.30', '-12.30'],
  ['DATETIME(6)', "'1970-01-01 00:00:01.000002'", '1000002µs'],
  ['TIMESTAMP(3)', '1767323045.678', '1767323045678000µs'],
  ['VARBINARY(32)', String.raw`'\x00\r\n\t\'\\` + "\u00ff'", "x'000d0a09275cff'"],
  ['BIGINT UNSIGNED', '-1 (18446744073709551615)', '18446744073709551615'],
])('%s prints %s', (type, printed, value) => {
  expect(printedValue({ name: 'c', type }, printed)).toBe(value);
});
