import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { INIT_PRODUCER_ID, initProducerIdRequest, readInitProducerId } from './produce-protocol.ts';
import type { ProducerIdentity } from './record-batch.ts';

/** A producer id that nobody had before, with epoch 0. @throws TaplineError KAFKA_*. */
export async function newProducerId(cluster: Cluster): Promise<ProducerIdentity> {
  const answer = await cluster.anyBroker({ ...INIT_PRODUCER_ID, ...initProducerIdRequest() });
  const { errorCode, identity } = readInitProducerId(answer);
  if (errorCode !== 0) throw brokerError(errorCode, 'InitProducerId');
  return identity;
}
