import { describe, expect, test } from '@jest/globals';
import { renderText, VALUES_FILES } from '../tools/chart.ts';
import { findHelm } from '../tools/helm.ts';

/** What is wrong → the words that must be in Helm's answer: above all, the key. */
const REFUSALS: readonly (readonly [wrong: string, ...said: string[]])[] = [
  ['wrters.a=1', 'wrters'],
  ['writers.shop-to-redis.confg=1', 'writers', 'shop-to-redis', 'confg'],
  ['writers.shop-to-redis.replicas=two', 'writers', 'shop-to-redis', 'replicas', 'integer'],
  ['writers.shop-to-redis.config.lane=4', 'config', 'lane'],
  ['writers.shop-to-redis.config.sink.adress=a:1', 'sink', 'adress'],
  ['writers.shop-to-redis.config.sink.address=17', 'sink', 'address'],
  ['writers.shop-to-redis.config.sink.type=rediss', 'sink', 'type', 'redis'],
  ['writers.shop-to-redis.config.source.topics=null', 'source', 'topics'],
  ['writers.shop-to-redis.config.transform[0].inclde[0]=id', 'transform', 'inclde'],
  ['writers.shop-to-redis.config.sink.password=hunter2', 'sink', 'password'],
  ['readers.shop.config.source.user=null', 'readers', 'shop', 'source', 'user'],
  ['readers.shop.config.source.tls.mode=on', 'tls', 'mode'],
  ['readers.shop.config=null', 'readers', 'shop', 'config'],
  ['readers.shop.secrets.DB_PASSWORD.key=null', 'secrets', 'DB_PASSWORD', 'key'],
  ['readers.Shop.config.source.user=a', 'Shop'],
  ['image.pullPolicy=Sometimes', 'image', 'pullPolicy'],
  [
    'readers.shop.config.source.password=${env:OTHER}',
    'readers.shop.config.source.password refers to the variable OTHER, which is neither in readers.shop.secrets nor in readers.shop.env',
  ],
  [
    'writers.shop-to-redis.config.sink.password=${file:/etc/tapline/files/redis/password}',
    'writers.shop-to-redis.config.sink.password refers to the file /etc/tapline/files/redis/password',
  ],
  [
    'readers.shop.config.registry.type=confluent,readers.shop.config.registry.url=http://me:hunter2@registry',
    'readers.shop.config.registry.url holds a password',
  ],
  ['readers.shop.env.DB_PASSWORD=x', 'readers.shop.env.DB_PASSWORD: is also in readers.shop.secrets'],
  ['prometheusRule.enabled=true,prometheusRule.alerts.TaplineLag.threshold=1', 'prometheusRule.alerts.TaplineLag'],
  ['readers.a-key-of-forty-characters-which-is-so-long.config.name=x', 'a-key-of-forty-characters-which-is-so-long'],
];

const helm = await findHelm();
const answers = helm === undefined ? describe.skip : describe;

answers('values that are wrong are refused, by the key', () => {
  const quick = ['-f', VALUES_FILES.get('quick') ?? ''];

  test.each(REFUSALS)('%s', async (wrong, ...said) => {
    const refused = renderText({ helm: helm ?? '', options: [...quick, '--set', wrong] });
    const answer = await refused.then(
      () => 'rendered',
      (error: Error) => error.message,
    );
    expect(answer).not.toBe('rendered');
    for (const word of said) expect(answer).toContain(word);
    // Of a secret that was put into the values, nothing is repeated.
    expect(answer.replace(wrong, '')).not.toContain('hunter2');
  });

  test('an entry whose objects’ names would be too long', async () => {
    const release = 'a-release-whose-name-is-as-long-as-helm-takes-it';
    await expect(renderText({ helm: helm ?? '', options: quick, release })).rejects.toThrow(
      'readers.shop: its objects would be called',
    );
  });
});
