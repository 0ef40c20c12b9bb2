import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TaplineError } from '@tapline/kernel';
import { provisionOnce } from '../cache.ts';
import { ProcessServer, type StackContext } from '../context.ts';
import { findJava, unpackArtifact } from '../java.ts';

export const REGISTRY_VERSION = '2.6.13.Final';

export interface RegistryAddress {
  /** Base of the Confluent-compatible API. */
  readonly url: string;
  /** Base of Apicurio's own API. */
  readonly ownUrl: string;
}

/** Apicurio Registry, in memory: what it held is gone when it stops. */
export class RegistryServer extends ProcessServer {
  get address(): RegistryAddress {
    const apis = `http://${this.host}:${this.port}/apis`;
    return { url: `${apis}/ccompat/v7`, ownUrl: `${apis}/registry/v2` };
  }

  protected override async ready(): Promise<boolean> {
    const response = await fetch(`${this.address.url}/subjects`, { signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return response.status === 200;
  }
}

export async function createRegistry(
  context: StackContext,
  settings: Readonly<Record<string, string>> = {},
): Promise<RegistryServer> {
  const { folder: home } = await provisionOnce(
    `apicurio-${REGISTRY_VERSION}`,
    async (into) => await unpackArtifact(`io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all`, into),
    context.say,
  );
  const jar = (await readdir(home)).find((name) => name.endsWith('-runner.jar'));
  if (!jar) throw new TaplineError('STACK_START_FAILED', { message: `No runner jar in ${home}.` });
  const java = await findJava();
  const folder = await context.subfolder('registry');
  const [port = 0, managementPort = 0] = await context.reserve(2);
  const properties: Record<string, string> = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': String(port),
    'quarkus.management.host': '127.0.0.1',
    'quarkus.management.port': String(managementPort),
    ...settings,
  };
  const process = context.process({
    name: 'registry',
    command: java.command,
    args: [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...Object.entries(properties).map(([key, value]) => `-D${key}=${value}`),
      '-jar',
      join(home, jar),
    ],
    cwd: folder,
    logFile: join(folder, 'registry.log'),
  });
  return new RegistryServer('registry', port, process);
}
