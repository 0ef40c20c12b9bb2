import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import kafkajs from 'kafkajs';
import { transactionalIdFinding } from './findings.ts';
import { openKafka } from './kafka.ts';
import { uniqueName } from './numbered.ts';
import { NO_HEADERS } from './record-batch.ts';

test('the right to write taken away under the producer ends it with the topic', async () => {
  await using stack = await openStack({});
  const cluster = await stack.add('kafka', {
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });
  await using kafka = openKafka(cluster.address);
  expect(await transactionalIdFinding(kafka, 'a.life')).toMatchObject({ level: 'ok' });
  const topic = uniqueName('forbidden');
  await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 1 }]);
  await using producer = kafka.producer({ inFlight: 5 });
  const lane = producer.lane(topic, 0);
  const send = async (): Promise<void> => {
    producer.append(lane, Buffer.from('k'), Buffer.from('v'), Date.now(), NO_HEADERS);
    await producer.mark();
  };
  await send();
  await (await kafka.admin()).createAcls({
    acl: [
      {
        resourceType: kafkajs.AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
        principal: 'User:ANONYMOUS',
        host: '*',
        operation: kafkajs.AclOperationTypes.WRITE,
        permissionType: kafkajs.AclPermissionTypes.DENY,
      },
    ],
  });
  // The broker takes it over a moment after it has confirmed it.
  await expect(
    (async () => {
      for (;;) await send();
    })(),
  ).rejects.toMatchObject({ code: 'KAFKA_NOT_ALLOWED', place: { topic, partition: 0 } });
  const deny = { resourceType: kafkajs.AclResourceTypes.TRANSACTIONAL_ID, resourceName: 'a.life' };
  const everything = { operation: kafkajs.AclOperationTypes.ALL, permissionType: kafkajs.AclPermissionTypes.DENY };
  const resourcePatternType = kafkajs.ResourcePatternTypes.LITERAL;
  const of = { principal: 'User:ANONYMOUS', host: '*', resourcePatternType };
  await (await kafka.admin()).createAcls({ acl: [{ ...deny, ...everything, ...of }] });
  let found = await transactionalIdFinding(kafka, 'a.life');
  while (found.level === 'ok') found = await transactionalIdFinding(kafka, 'a.life');
  expect(found).toMatchObject({ level: 'fail', code: 'KAFKA_NOT_ALLOWED' });
  expect(found.mend).toContain('--transactional-id a.life');
});
