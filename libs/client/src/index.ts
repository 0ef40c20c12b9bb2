export { TaplineError } from '@tapline/kernel';
export type { Change, Lag, Place, Row, Value } from '@tapline/sink';
export type { ChangeOf, Failure, Handler, HandlerContext, RowChange, Tables } from './changes.ts';
export { type RowName, SeenInMemory, type SeenStore } from './seen.ts';
export { type SubscribeOptions, type Subscription, subscribe } from './subscribe.ts';
