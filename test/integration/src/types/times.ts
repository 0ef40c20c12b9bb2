import type { TypeColumn } from './column.ts';
import { dateText, datetime, plain, time, timestamp } from './decoded-text.ts';

const DATES = [
  "'1000-01-01'",
  "'9999-12-31'",
  "'2024-02-29'",
  "'0000-00-00'",
  "'2024-00-10'",
  "'1969-12-31'",
  "'2023-02-31'",
  "'2020-02-00'",
  "'0000-01-01'",
];

function momentsOf(fsp: number): TypeColumn[] {
  const fraction = fsp === 0 ? '' : `.${'987654'.slice(0, fsp)}`;
  const most = fsp === 0 ? '' : `.${'9'.repeat(fsp)}`;
  return [
    {
      name: `dt${fsp}`,
      type: `datetime(${fsp})`,
      values: [...DATES.map((date) => `${date.slice(0, -1)} 23:59:59${fraction}'`), `'9999-12-31 23:59:59${most}'`],
      text: datetime(fsp),
    },
    {
      name: `ts${fsp}`,
      type: `timestamp(${fsp})`,
      values: [
        `'1970-01-01 00:00:01${fraction}'`,
        `'2038-01-19 03:14:07${most}'`,
        `'2024-03-31 01:30:00${fraction}'`,
        "'0000-00-00 00:00:00'",
        `'2024-10-27 00:30:00${fraction}'`,
      ],
      text: timestamp(fsp),
    },
    {
      name: `t${fsp}`,
      type: `time(${fsp})`,
      // MySQL takes the first two as whole seconds, MariaDB as they are.
      values: [
        `'-838:59:59${most}'`,
        `'838:59:59${most}'`,
        `'-00:00:00${fraction}'`,
        "'00:00:00'",
        `'12:34:56${fraction}'`,
        `'-838:59:58${most}'`,
      ],
      text: time(fsp),
    },
  ];
}

/** Every temporal type in every precision: ends of ranges, zero dates, dates that no calendar has. */
export function times(): TypeColumn[] {
  return [
    { name: 'da', type: 'date', values: DATES, text: dateText },
    { name: 'y', type: 'year', values: ['0', '1901', '2155', '2024', '1970'], select: 'y + 0', text: plain },
    ...[0, 1, 2, 3, 4, 5, 6].flatMap((fsp) => momentsOf(fsp)),
    {
      name: 'ts_late',
      type: 'timestamp(6)',
      // Since 11.5 seconds are unsigned.
      values: ["'2106-02-07 06:28:15.999999'", "'2038-01-19 03:14:08'"],
      text: timestamp(6),
      servers: ['mariadb118'],
    },
  ];
}
