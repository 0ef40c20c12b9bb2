import { writeSync } from 'node:fs';
import { endProcess } from '@tapline/kernel';
import { command } from '@tapline/writer';

/* One writer for each configuration file that is named: what `tapline writer --config FILE` runs, many in one process. SIGTERM stops all of them. */
process.setMaxListeners(0);
const codes = await Promise.all(
  process.argv.slice(2).map(async (file) => {
    const code = await command.run(['--config', file, '--admin.port', '0']);
    writeSync(2, `writer of ${file} ended with code ${code}\n`);
    return code;
  }),
);
endProcess(Math.max(...codes));
