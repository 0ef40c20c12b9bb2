import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

/*
 * What Node makes of the sources (types stripped, compiled) is kept from run to run: half of the CPU time in which a service starts. ./tapline says so
 * before Node begins; who starts this file by itself has it from here on. A folder that cannot be written is no error.
 */
enableCompileCache(fileURLToPath(new URL('../../../.tapline/compiled', import.meta.url)));

await import('./run.ts');
