import { mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TeacherCacheSummary } from '../../src/experiment/record.ts';
import { commandLine, eventsOfType, lastJson, workspace } from './support/commandLine.ts';

const STEPS = 12;
const BATCH = 2;
// Weights that stay where they are: every loss can be compared with the one without a cache.
const EXPERIMENT = `name: cached
data: { format: scenes, train: 8, val: 2, classes: [disc, square, triangle, star], size: [64, 64], augment: { flip: 0.5 } }
teacher: { detector: retinanet, backbone: small, weights: teacher.safetensors }
student: { detector: retinanet, backbone: tiny }
distill: [{ method: fgd, scale: normalized }, { method: rm }, { method: pfi }]
train: { steps: ${STEPS}, batch: ${BATCH}, learningRate: 1.0e-12, schedule: constant, warmup: 0 }
evaluate: { every: 100 }
pictures: { images: 1 }
`;

let folder = '';
let cache = '';

beforeAll(() => {
  folder = workspace({ 'cached.distill.yaml': EXPERIMENT.replace('teacher.safetensors', resolve('examples/teachers/scenes-retinanet-small.safetensors')) });
  cache = join(folder, 'cache');
  mkdirSync(cache);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function train(...args: string[]): Promise<{ run: string; teacherCache: TeacherCacheSummary }> {
  const { code, stdout, stderr } = await commandLine([...args, '--json'], { cwd: folder });
  expect(code, stdout + stderr).toBe(0);
  const { folder: run, teacherCache } = lastJson(stdout);
  return { run: String(run), teacherCache: teacherCache as TeacherCacheSummary };
}

const cached = (...more: string[]): ReturnType<typeof train> => train('run', 'cached.distill.yaml', '--set', 'engine.teacherCache.keep=half', '--set', `engine.teacherCache.folder=${cache}`, ...more);

function lossesOf(run: string): Record<string, number>[] {
  return eventsOfType(run, 'step').map(({ losses }) => losses);
}

function entries(): string[] {
  return readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && /^[0-9a-f]{40}$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
}

describe('the teacher cache', () => {
  it('serves two runs at once and one that is resumed over a torn entry, with the losses that there are without', async () => {
    const [one, other] = await Promise.all([cached(), cached()]);
    const losses = lossesOf(one.run);
    expect(losses).toHaveLength(STEPS);
    // Found or made, by whomever: bit for bit the same.
    expect(lossesOf(other.run)).toEqual(losses);
    for (const { teacherCache: { hits, misses, precision, bytes } } of [one, other]) {
      expect([hits + misses, precision]).toEqual([STEPS * BATCH, 'half']);
      expect(bytes).toBeGreaterThan(0);
    }
    // Three kinds of outputs at most, an image and its mirror image; nothing is kept twice.
    expect(entries().length).toBeGreaterThan(8);
    expect(new Set(entries()).size).toBeLessThanOrEqual(3 * 2 * 8);

    const [torn = ''] = entries();
    truncateSync(torn, Math.floor(statSync(torn).size / 2));
    const first = await cached('--steps', '6');
    const { run, teacherCache } = await train('resume', first.run, '--steps', String(STEPS));
    expect(lossesOf(run)).toEqual(losses);
    expect(first.teacherCache.misses + teacherCache.misses).toBe(1);
    expect(teacherCache.hits).toBeGreaterThan(0);
    expect(statSync(torn).size).toBe(statSync(entries().find((file) => file !== torn && file.includes(join(torn, '..', '..'))) ?? torn).size);

    const without = lossesOf((await train('run', 'cached.distill.yaml')).run);
    const worst = Math.max(...without.flatMap((parts, step) => Object.entries(parts).map(([part, loss]) => Math.abs((losses[step]?.[part] ?? Number.NaN) - loss) / Math.abs(loss))));
    expect(worst).toBeLessThan(2e-3);
    expect(worst).toBeGreaterThan(0);
  });

  it('is listed and deleted by the command line', async () => {
    const listed = await commandLine(['cache', cache], { cwd: folder });
    expect(listed.stdout).toMatch(/retinanet small, .*scenes-retinanet-small\.safetensors/);
    const { bytes } = lastJson((await commandLine(['cache', cache, '--unused', '7', '--delete', '--json'], { cwd: folder })).stdout);
    expect([bytes, entries().length > 0]).toEqual([0, true]);
    const deleted = await commandLine(['cache', cache, '--delete'], { cwd: folder });
    expect([deleted.code, entries()]).toEqual([0, []]);
    expect(deleted.stdout).toContain('freed');
  });
});
