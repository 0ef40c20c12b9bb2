import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaHome, mysqlRoot, provisionOnce, redisRoot, runCommand, unpackDebian } from '@tapline/test-stack';
import type { Engine } from './engine.ts';

/** Folder → what of it goes into an image. */
export type Content = readonly (readonly [folder: string, ...paths: string[]])[];

/** By the service of compose.yaml: what its image is made of, beside what is in `stand-ins/`. */
export type StandIns = Readonly<Record<string, Content>>;

/**
 * Where no registry of images can be reached: the servers that the other tests run on, for images of the names that compose.yaml has, which behave like
 * those as far as it uses them.
 */
export async function findStandIns(): Promise<StandIns> {
  const java = await provisionOnce('java-17-bookworm', (into) =>
    unpackDebian('bookworm', ['openjdk-17-jre-headless'], into),
  );
  const client = ['usr/bin/mysql', 'usr/bin/mysqladmin'];
  return {
    mysql: [[await mysqlRoot(), 'usr/sbin/mysqld', ...client, 'usr/lib', 'usr/share/mysql']],
    kafka: [
      [java.folder, 'usr/lib/jvm', 'etc/java-17-openjdk'],
      [await kafkaHome(), 'libs'],
    ],
    redis: [[await redisRoot(), 'usr/bin', 'usr/lib/x86_64-linux-gnu']],
  };
}

/** Builds the image of a service under the name that compose.yaml asks for. */
export async function buildStandIn(engine: Engine, service: string, image: string, content: Content): Promise<void> {
  const own = fileURLToPath(new URL(join('stand-ins', service), import.meta.url));
  const files = [['-C', own, '.'], ...content.map(([folder, ...paths]) => ['-C', folder, ...paths])].flat();
  await runCommand(
    'sh',
    ['-c', 'image=$1; shift; tar --create "$@" | docker build --tag "$image" -', 'build', image, ...files],
    {
      package: 'docker.io',
      env: engine.env,
    },
  );
}
