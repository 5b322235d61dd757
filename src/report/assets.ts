/** The panel's script and style sheet, found beside the bundle or in the project's `dist`. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DistillError } from '../errors.ts';

export interface Assets {
  readonly script: string;
  readonly style: string;
}

/** From a bundle the files lie in the same folder; from the sources they lie in `dist` of a folder above. */
function candidates(): string[] {
  const folders: string[] = [];
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 4; up += 1) {
    folders.push(folder, join(folder, 'dist'));
    folder = dirname(folder);
  }
  return folders;
}

/** @throws DistillError DL790 when the page was not built. */
export async function findAssets(folders: readonly string[] = candidates()): Promise<Assets> {
  for (const folder of folders) {
    try {
      const [script, style] = await Promise.all([readFile(join(folder, 'webview.js'), 'utf8'), readFile(join(folder, 'webview.css'), 'utf8')]);
      return { script: script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'), style: style.replace(/\/\*# sourceMappingURL=.*\*\/\s*$/, '') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new DistillError('DL790', 'The report cannot be written: the page that it shows is not built.', {
    expected: 'webview.js and webview.css beside the program', advice: 'Run `npm run build`, or install the package anew.',
  });
}
