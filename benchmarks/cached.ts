/**
 * The same step with the teacher's outputs from the cache (`engine.teacherCache`, kept in `half` or `full` precision): entries are checked and unpacked in
 * each step, here on the thread that trains, where a run has another one for it.
 */
import { type Detector } from '../src/detectors/detector.ts';
import { type Engine } from '../src/engine/backend.ts';
import { float32, sizeOf, type HostTensors } from '../src/engine/hostTensor.ts';
import { Optimizer } from '../src/engine/optimizer.ts';
import { createProgram } from '../src/engine/program.ts';
import { FedOutputs, inputName } from '../src/run/fedOutputs.ts';
import { trainingStep, unprefixed } from '../src/run/step.ts';
import { decodeEntry, encodeEntry } from '../src/teacherCache/index.ts';
import { makeSubject, recipe, type Sizes, type StepTime } from './subject.ts';

export function cachedStep(sizes: Sizes, keep: 'half' | 'full', teacher: Detector, engine: Engine): () => StepTime {
  const { size: [height, width], batch } = sizes;
  const { student, distillers, inputs } = makeSubject(sizes, teacher, engine, false);
  const images = Array.from({ length: batch }, (_, slot) => float32([1, height, width, 3], (inputs.images?.data as Float32Array).slice(slot * height * width * 3, (slot + 1) * height * width * 3)));
  const optimizer = new Optimizer(recipe, [student, ...distillers].flatMap(({ parameters }) => parameters.trainable()));
  const fed = new FedOutputs([teacher], images[0]?.data as Float32Array, [height, width]);
  const program = createProgram({
    engine, capture: true,
    variables: [...[student, teacher, ...distillers].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)), ...optimizer.state().values()],
    functions: { train: { run: trainingStep({ student, teacher, distillers }, optimizer, fed.forward), example: { ...inputs, ...fed.example(batch) } }, teach: fed.function(0, undefined) },
  });
  const outputs = fed.read(0);
  const entries = images.map((image) => {
    const made = program.run('teach', { images: image });
    return encodeEntry(outputs.map(({ name }) => made[name]?.data as Float32Array), keep);
  });
  const taught = (): HostTensors => {
    const values = outputs.map(({ shape }) => new Float32Array(batch * sizeOf(shape)));
    for (const [slot, entry] of entries.entries()) {
      if (!decodeEntry(entry, values.map((whole) => whole.subarray((slot * whole.length) / batch, ((slot + 1) * whole.length) / batch)))) throw new Error('an entry cannot be read');
    }
    return Object.fromEntries(outputs.map(({ name, shape }, index) => [inputName(0, name), float32([batch, ...shape], values[index] as Float32Array)]));
  };
  return () => {
    const before = process.cpuUsage();
    const begin = performance.now();
    const results = program.run('train', { ...inputs, ...taught() });
    const milliseconds = performance.now() - begin;
    const { user, system } = process.cpuUsage(before);
    return { milliseconds, cpu: (user + system) / 1000, losses: unprefixed('loss', Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data[0] ?? NaN]))) };
  };
}
