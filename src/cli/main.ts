/** Entry of `distill-lab`, and of every run's child process (`run-child`). */
import { realpathSync } from 'node:fs';
import { processOutput } from './output.ts';
import { main } from './program.ts';

// The child is started by the real path: npm's link in node_modules/.bin may go away while a run lasts.
const cliPath = realpathSync(process.argv[1] ?? process.execPath);

// A reader that closes early (`| head`) ends us quietly, as any filter.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 0 : 1); });

void main(process.argv.slice(2), { output: processOutput(), cliPath }).then((code) => {
  // Engines leave threads behind that would keep the process; what was written goes out first.
  process.stdout.write('', () => { process.exit(code); });
});
