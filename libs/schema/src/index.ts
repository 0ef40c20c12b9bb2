export type { Column, Table, UniqueKey } from './table.ts';
