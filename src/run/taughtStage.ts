/** A stage whose teachers' outputs are kept: what its steps are fed with, from the cache or from the teachers themselves. */
import { type Batch } from '../data/sample.ts';
import { part, type Keepsake } from '../data/taught.ts';
import { float32, sizeOf, type HostTensors } from '../engine/hostTensor.ts';
import { type FunctionSpec, type Program } from '../engine/program.ts';
import { decodeEntry, encodeEntry, type CachePlan } from '../teacherCache/index.ts';
import { FedOutputs, inputName, type TeacherForward } from './fedOutputs.ts';
import { teachersIn, type Networks } from './step.ts';
import { type TeacherCache } from './teacherCache.ts';

export class TaughtStage {
  private readonly cache: TeacherCache;
  private readonly teachers: ReturnType<typeof teachersIn>;
  private readonly fed: FedOutputs;
  private readonly size: readonly [number, number];
  private known: CachePlan | undefined;

  /** @param example any batch: one of its images shows what the teachers put out */
  constructor(cache: TeacherCache, networks: Networks, example: Batch, size: readonly [number, number]) {
    this.cache = cache;
    this.teachers = teachersIn(networks);
    this.fed = new FedOutputs(this.teachers, part(example.images, 0, example.examples.length), size);
    this.size = size;
  }

  get forward(): TeacherForward {
    return this.fed.forward;
  }

  example(batch: number, onlyRead = false): HostTensors {
    return this.fed.example(batch, onlyRead);
  }

  /** To be recorded after the steps. */
  functions(precision: FunctionSpec['precision']): Record<string, FunctionSpec> {
    return Object.fromEntries(this.teachers.map((_, place) => [functionName(place), this.fed.function(place, precision)]));
  }

  /** What to look for; only once the steps are recorded. */
  get plan(): CachePlan {
    return (this.known ??= this.cache.plan(this.teachers, this.teachers.map((_, place) => this.fed.read(place))));
  }

  /** What was missing is made by the teachers, and given to `keep` to be put by. */
  inputs({ images, examples, taught }: Batch, program: Program, keep: (keepsake: Keepsake) => void): HostTensors {
    const { plan } = this;
    if (plan.groups.length === 0) return {};
    if (taught === undefined) throw new Error('the batch was made without the cache');
    this.cache.saw(taught.state);
    const batch = examples.length;
    for (const [place, teacher] of this.teachers.entries()) {
      const own = plan.groups.flatMap((group, index) => (group.teacher === place ? [index] : []));
      for (const [slot, image] of taught.images.entries()) {
        const missing = own.filter((group) => taught.groups[group]?.found[slot] !== true);
        if (missing.length === 0) {
          if (own.length > 0) this.cache.hit(teacher);
          continue;
        }
        const begin = performance.now();
        const outputs = program.run(functionName(place), { images: float32([1, ...this.size, 3], part(images, slot, batch).slice()) });
        this.cache.miss(teacher, (performance.now() - begin) / 1000);
        for (const group of missing) {
          const bytes = encodeEntry((plan.groups[group]?.outputs ?? []).map(({ name }) => outputs[name]?.data as Float32Array), plan.precision);
          // Through the bytes, as a later step will have it: whether an output was found or made changes no loss.
          if (!decodeEntry(bytes, (taught.groups[group]?.values ?? []).map((values) => part(values, slot, batch)))) throw new Error('an entry that was just made cannot be read');
          keep({ group, image, bytes });
        }
      }
    }
    return Object.fromEntries(plan.groups.flatMap(({ teacher, outputs }, group) => outputs.map(({ name, shape }, index) => {
      const values = taught.groups[group]?.values[index] ?? new Float32Array(batch * sizeOf(shape));
      return [inputName(teacher, name), float32([batch, ...shape], values)];
    })));
  }
}

function functionName(teacher: number): string {
  return `teach.${teacher}`;
}
