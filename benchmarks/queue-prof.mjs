/**
 * What the queue of a sweep costs by itself: `node benchmarks/queue.mjs [minutes]` (default 2).
 *
 * 200 runs wait, 14 go at once, each for 30 s, so that about 20 end a minute. The runs are folders that another process writes
 * (10 steps a second and a heartbeat each); CPU is measured of the queue's process alone, over its whole life.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..');
const RUNS = 200;
const AT_ONCE = 14;
const SECONDS = 30;

if (process.argv[2] === 'play') play();
else await measure(Number(process.argv[2] ?? 2));

/** Plays every run whose folder comes on standard input. */
function play() {
  createInterface({ input: process.stdin }).on('line', (folder) => {
    const write = (event) => { appendFileSync(join(folder, 'events.jsonl'), `${JSON.stringify({ ...event, time: Date.now() })}\n`); };
    const beat = () => {
      writeFileSync(join(folder, 'heartbeat.new'), JSON.stringify({ pid: process.pid, host: hostname(), time: Date.now(), processStart: '' }));
      renameSync(join(folder, 'heartbeat.new'), join(folder, 'heartbeat'));
    };
    const total = 10 * SECONDS;
    write({ type: 'phase', phase: 'engine' });
    write({ type: 'started', pid: process.pid, host: hostname(), name: 'played', totalSteps: total, stepsPerEpoch: 10, from: {}, engine: { backend: 'cpu', device: 'none', precision: 'float32', captured: false }, summary: 'played', arms: ['student'], methods: [], classes: ['a'] });
    let step = 0;
    const timer = setInterval(() => {
      step += 1;
      write({ type: 'step', arm: 'student', step, losses: { total: 1, 'detection.box': 0.5, 'detection.classification': 0.5 }, learningRate: 0.1, gradientNorm: 1, imagesPerSecond: 40 });
      if (step % 10 === 0) beat();
      if (step < total) return;
      clearInterval(timer);
      write({ type: 'ended', state: 'finished' });
    }, 100);
  });
}

async function measure(minutes) {
  const folder = mkdtempSync(join(tmpdir(), 'distill-queue-'));
  const player = spawn(process.execPath, [import.meta.filename, 'play'], { stdio: ['pipe', 'inherit', 'inherit'] });
  try {
    const { SweepQueue, createSweepFolder, planSweep } = await bundled(folder);
    const text = `name: played\ndata: { format: scenes, size: [64, 64] }\nstudent: { detector: retinanet, backbone: tiny }\ntrain: { steps: 300, warmup: 0 }\nseeds: [${Array.from({ length: RUNS }, (_, seed) => seed).join()}]\n`;
    const plan = planSweep(text, join(folder, 'a.distill.yaml'));
    const sweep = await createSweepFolder(join(folder, 'runs'), { name: plan.name, file: join(folder, 'a.distill.yaml'), created: Date.now(), version: '0', launch: { grace: 60, slurm: {} }, halving: undefined, runs: plan.runs }, text);
    const launcher = {
      name: 'local', atOnce: AT_ONCE,
      start: async (jobs) => jobs.map((job) => { player.stdin.write(`${job.folder}\n`); return { id: job.folder }; }),
      states: async (ids) => new Map(ids.map((id) => [id, { state: 'running' }])),
      stop: async () => undefined,
    };
    const end = new AbortController();
    let [looks, finished] = [0, 0];
    const queue = await SweepQueue.open({ folder: sweep, runsRoot: join(folder, 'runs'), launcher, cliPath: 'none', onLook: (entries) => { looks += 1; finished = entries.filter(({ state }) => state === 'finished').length; } });
    const {Session}=await import('node:inspector/promises'); const ses=new Session(); ses.connect(); await ses.post('Profiler.enable'); await ses.post('Profiler.setSamplingInterval',{interval:200}); await ses.post('Profiler.start');
    const [begin, cpu] = [performance.now(), process.cpuUsage()];
    // Played runs do not hear a pause: the time is over when the process is.
    void queue.work(end.signal);
    await new Promise((resolve) => { setTimeout(resolve, minutes * 60_000); });
    const { user, system } = process.cpuUsage(cpu);
    const {profile}=await ses.post('Profiler.stop'); const fs=await import('node:fs'); fs.mkdirSync('/tmp/qprof2',{recursive:true}); fs.writeFileSync('/tmp/qprof2/a.cpuprofile',JSON.stringify(profile));
    const wall = performance.now() - begin;
    console.log(JSON.stringify({ runs: RUNS, atOnce: AT_ONCE, seconds: Math.round(wall / 1000), finished, looks, cpuMilliseconds: Math.round((user + system) / 1000), percentOfACore: Number(((user + system) / 10 / wall).toFixed(2)) }));
  } finally {
    player.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit(0);
}

async function bundled(folder) {
  const { build } = createRequire(import.meta.url)('esbuild');
  const outfile = join(folder, 'queue.cjs');
  await build({ stdin: { contents: "export * from './src/sweep/queue.ts'; export * from './src/sweep/folder.ts'; export * from './src/sweep/plan.ts';", resolveDir: root }, bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error', define: { 'import.meta.url': 'undefined' } });
  return createRequire(import.meta.url)(outfile);
}
