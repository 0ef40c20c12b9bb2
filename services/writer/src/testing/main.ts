import { command } from '../index.ts';

process.exitCode = await command.run(process.argv.slice(2));
