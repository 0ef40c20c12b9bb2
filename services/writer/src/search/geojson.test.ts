import { expect, test } from '@jest/globals';
import { geoJsonOf } from './geojson.ts';

/** Little endian unless said otherwise: SRID, then WKB. */
function geometry(srid: number, ...wkb: readonly Buffer[]): Buffer {
  return Buffer.concat([uint(srid), ...wkb]);
}

function uint(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function head(type: number): Buffer {
  return Buffer.concat([Buffer.from([1]), uint(type)]);
}

function place(x: number, y: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeDoubleLE(x, 0);
  bytes.writeDoubleLE(y, 8);
  return bytes;
}

const POINT = [head(1), place(1.5, -2)];
const LINE = [head(2), uint(2), place(0, 0), place(1, 1)];
const POLYGON = [head(3), uint(1), uint(4), place(0, 0), place(0, 3), place(3, 3), place(0, 0)];

test.each([
  ['a point', geometry(4326, ...POINT), { type: 'Point', coordinates: [1.5, -2] }],
  ['a point without SRID', geometry(0, ...POINT), { type: 'Point', coordinates: [1.5, -2] }],
  [
    'a line',
    geometry(0, ...LINE),
    {
      type: 'LineString',
      coordinates: [
        [0, 0],
        [1, 1],
      ],
    },
  ],
  [
    'a polygon',
    geometry(0, ...POLYGON),
    {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [0, 3],
          [3, 3],
          [0, 0],
        ],
      ],
    },
  ],
  [
    'several points',
    geometry(0, head(4), uint(2), ...POINT, ...POINT),
    {
      type: 'MultiPoint',
      coordinates: [
        [1.5, -2],
        [1.5, -2],
      ],
    },
  ],
  [
    'a collection',
    geometry(0, head(7), uint(2), ...POINT, ...LINE),
    {
      type: 'GeometryCollection',
      geometries: [
        { type: 'Point', coordinates: [1.5, -2] },
        {
          type: 'LineString',
          coordinates: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
    },
  ],
])('%s', (_, bytes, expected) => {
  expect(JSON.parse(geoJsonOf(bytes) ?? '')).toEqual(expected);
});

test('big endian', () => {
  const bytes = Buffer.from('00000000000000000' + '13ff8000000000000c000000000000000', 'hex');
  expect(geoJsonOf(bytes)).toBe('{"type":"Point","coordinates":[1.5,-2]}');
});

test('a plane of its own, and what is no geometry, have no GeoJSON', () => {
  expect(geoJsonOf(geometry(3857, ...POINT))).toBeUndefined();
  expect(geoJsonOf(geometry(0, head(9)))).toBeUndefined();
  expect(geoJsonOf(geometry(0, ...POINT).subarray(0, 20))).toBeUndefined();
  expect(geoJsonOf(Buffer.alloc(0))).toBeUndefined();
});
