/** Packs the extension for this platform: bundles, pictures and sharp with its binary; nothing else. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Name of this platform as VS Code's marketplace has it. */
function target() {
  const arch = process.arch === 'arm' ? 'armhf' : process.arch;
  return `${process.platform}-${arch}`;
}

export function packageExtension(root, args) {
  const vsce = join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
  const options = ['package', '--target', target(), '--allow-missing-repository', '--no-rewrite-relative-links', ...args];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [vsce, ...options], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
