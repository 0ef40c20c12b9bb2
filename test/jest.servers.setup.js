// One set of shared servers for the whole run, each started when a test first asks for it; see test/stack/src/test-servers.ts.
export default async function setup() {
  const { hostTestServers } = await import('@tapline/test-stack');
  globalThis.taplineTestServers = await hostTestServers();
}
