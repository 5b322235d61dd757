/** Tries an addon in a process of its own: one that crashes there does not take this one with it. */
import { runCommand } from './command.ts';

export type AddonCheck = { readonly good: true; readonly tensorflow: string; readonly usesGpu: boolean } | { readonly good: false; readonly reason: string };

const mark = 'engine-check:';
const script = `const m = { exports: {} };
process.dlopen(m, process.argv[1]);
console.log('\\n${mark}' + JSON.stringify({ tensorflow: m.exports.TF_Version, usesGpu: m.exports.isUsingGpuDevice() }));`;

export async function checkAddon(addon: string, signal?: AbortSignal): Promise<AddonCheck> {
  // Inside VS Code the runtime is Electron's: this makes it behave as Node.
  const { code, output } = await runCommand(process.execPath, ['-e', script, addon], { signal, env: { ELECTRON_RUN_AS_NODE: '1', TF_CPP_MIN_LOG_LEVEL: '2' } });
  const line = output.split('\n').find((text) => text.startsWith(mark));
  if (code === 0 && line !== undefined) return { good: true, ...(JSON.parse(line.slice(mark.length)) as { tensorflow: string; usesGpu: boolean }) };
  const reason = output.split('\n').find((text) => text.startsWith('Error:'))?.slice('Error:'.length).trim();
  return { good: false, reason: reason ?? `the process that loaded it ended with code ${code ?? 'none'}` };
}
