import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { BROKER_ERROR } from './error-table.ts';
import { INIT_PRODUCER_ID, initProducerIdRequest, readInitProducerId } from './produce-protocol.ts';
import type { ProducerIdentity } from './record-batch.ts';

/** A producer id that nobody had before, with epoch 0. @throws TaplineError KAFKA_*. */
export async function newProducerId(cluster: Cluster): Promise<ProducerIdentity> {
  const answer = await cluster.anyBroker({ ...INIT_PRODUCER_ID, ...initProducerIdRequest(null) });
  const { errorCode, identity } = readInitProducerId(answer);
  if (errorCode !== 0) throw brokerError(errorCode, 'InitProducerId');
  return identity;
}

const MAX_EPOCH = 0x7fff;

/** Under which a producer of its own goes on after a sequence error: the next epoch, or another id. */
export async function laterIdentity(
  cluster: Cluster,
  { id, epoch }: ProducerIdentity,
  code: number,
): Promise<ProducerIdentity> {
  // A broker that knows of a later epoch than ours would refuse the next one too.
  const spent = epoch === MAX_EPOCH || code === BROKER_ERROR.invalidProducerEpoch;
  return spent ? await newProducerId(cluster) : { id, epoch: epoch + 1 };
}
