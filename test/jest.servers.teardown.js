export default async function teardown() {
  await globalThis.taplineTestServers?.[Symbol.asyncDispose]();
}
