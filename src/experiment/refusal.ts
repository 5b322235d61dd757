/** Why a method cannot serve a pair, as far as the file alone tells, and how the student is made to fit. */
import { type DetectorOutline } from './defaults.ts';
import { type KeyPath } from './keyPath.ts';
import { type ByMethod, ofMethod } from './methods/byMethod.ts';
import { METHOD_CARDS } from './methods/index.ts';
import { type Shared } from './methods/card.ts';
import { type Change, type Repair } from './problems.ts';
import { remove, repair, set } from './repairs.ts';
import { type MethodConfig } from './schema.ts';

/** A network of the pair with its place in the file. */
export interface Partner extends DetectorOutline {
  readonly path: KeyPath;
}

export interface Refusal {
  readonly reason: string;
  readonly advice: string;
  /** The option of the method that is to blame; left out: the method. */
  readonly key?: string;
  /** Keys of either network that do not agree. */
  readonly differ?: readonly KeyPath[];
  readonly repairs?: readonly Repair[];
}

/** @param at place of the method in the file. */
export function refusal(options: MethodConfig, teacher: Partner, student: Partner, at: KeyPath): Refusal | undefined {
  return refusedByCard(options, teacher, student) ?? ofMethod(BY_OPTIONS, options, { teacher, student, at });
}

function refusedByCard(options: MethodConfig, teacher: Partner, student: Partner): Refusal | undefined {
  const { shares, detectors } = METHOD_CARDS[options.method];
  const needs = (what: Shared): boolean => shares.includes(what);
  const ofStudent = (...key: KeyPath): KeyPath => [...student.path, ...key];
  if (detectors !== undefined && !detectors.includes(student.detector)) {
    return { reason: `it serves students of ${detectors.join(', ')}, and this one is ${student.detector}`, advice: `Use \`detector: ${detectors[0] ?? ''}\``, repairs: detectors.map((detector) => repair(set(ofStudent('detector'), detector))) };
  }
  if (needs('levels') && teacher.levels !== student.levels) {
    return {
      reason: `it compares level by level, and the teacher has ${teacher.levels} levels, the student ${student.levels}`, advice: 'Give teacher and student the same `neck.levels`',
      differ: [['neck', 'levels']], repairs: [repair(set(ofStudent('neck', 'levels'), teacher.levels))],
    };
  }
  const undistributed = [teacher, student].find(({ distribution }) => !distribution);
  if (needs('distribution') && undistributed !== undefined) {
    return {
      reason: `it compares distributions of box sides, which the ${undistributed === teacher ? 'teacher' : 'student'}'s ${undistributed.detector} does not predict`, advice: 'Use `detector: gfl` for teacher and student',
      differ: [['detector']], repairs: teacher.distribution ? [repair(set(ofStudent('detector'), 'gfl'))] : [],
    };
  }
  if (needs('distribution') && teacher.bins !== student.bins) {
    return {
      reason: `it compares distributions of box sides bin by bin, and the teacher has ${teacher.bins} bins, the student ${student.bins}`, advice: 'Give teacher and student the same `gfl.bins`',
      differ: [['gfl', 'bins']], repairs: [repair(set(ofStudent('gfl', 'bins'), teacher.bins))],
    };
  }
  if (needs('anchors') && teacher.anchorsPerCell !== student.anchorsPerCell) {
    return {
      reason: `it compares anchor by anchor, and the teacher has ${teacher.anchorsPerCell} anchors a cell, the student ${student.anchorsPerCell}`, advice: 'Give teacher and student the same `anchors`',
      differ: [['anchors']], repairs: sameAnchors(teacher, student),
    };
  }
  if (needs('towers') && (teacher.headConvs !== student.headConvs || teacher.neckChannels !== student.neckChannels)) {
    return {
      reason: `it joins the towers of both heads, and the teacher's have ${teacher.headConvs} blocks of ${teacher.neckChannels} channels, the student's ${student.headConvs} of ${student.neckChannels}`,
      advice: 'Give teacher and student the same `head.convs` and `neck.channels`', differ: [['head', 'convs'], ['neck', 'channels']],
      repairs: [repair(
        ...(teacher.headConvs === student.headConvs ? [] : [set(ofStudent('head', 'convs'), teacher.headConvs)]),
        ...(teacher.neckChannels === student.neckChannels ? [] : [set(ofStudent('neck', 'channels'), teacher.neckChannels)]),
      )],
    };
  }
  return undefined;
}

/** The student's anchors in the numbers of the teacher's, or its detector where that decides them. */
function sameAnchors(teacher: Partner, student: Partner): readonly Repair[] {
  if (teacher.detector !== student.detector) return [repair(set([...student.path, 'detector'], teacher.detector))];
  if (student.detector !== 'retinanet') return [];
  const changes: readonly Change[] = (['octaves', 'ratios'] as const)
    .filter((key) => JSON.stringify(teacher.anchors[key]) !== JSON.stringify(student.anchors[key]))
    .map((key) => set([...student.path, 'anchors', key], teacher.anchors[key]));
  return [repair(...changes)];
}

interface Pair {
  readonly teacher: Partner;
  readonly student: Partner;
  /** Of the method. */
  readonly at: KeyPath;
}

/** What hangs on one method's own options. */
const BY_OPTIONS: ByMethod<Refusal | undefined, [Pair]> = {
  fgd: (_, { teacher }) => teacher.neckChannels >= 4 ? undefined
    : { reason: `its global part takes half of the teacher's channels, and there are ${teacher.neckChannels}`, advice: 'Use a teacher with a wider neck' },
  pgd: (_, { teacher, student }) => {
    const bare = [teacher, student].find(({ headConvs }) => headConvs === 0);
    return bare === undefined ? undefined : withoutTowers(bare, 'it compares the first convolutions of the heads\' towers');
  },
  head: (_, { student }) => teachesTowers(student),
  mimicdet: (_, { student }) => teachesTowers(student),
  crosskd: ({ reuse }, { teacher: { headConvs }, at }) => reuse === undefined || reuse <= headConvs ? undefined
    : { reason: `\`reuse\` is ${reuse}, and the towers have ${headConvs} blocks`, advice: `Set \`reuse\` to ${headConvs} at most`, key: 'reuse', repairs: [repair(set([...at, 'reuse'], headConvs)), repair(remove([...at, 'reuse']))] },
  dsig: ({ regression }, { teacher, student, at }) => regression === 0 || boxForm(teacher) === boxForm(student) ? undefined
    : { ...twoDetectors(teacher, student, 'it compares what the heads write for boxes', 'Give both the same `detector`, or set `regression: 0`'), repairs: [repair(set([...at, 'regression'], 0))] },
  scalekd: (_, { teacher, student }) => teacher.detector === student.detector ? undefined : twoDetectors(teacher, student, 'it needs one kind of detector', 'Give both the same `detector`'),
  ld: ({ imitation }, { teacher, student, at }) => imitation === 'none' || teacher.neckChannels === student.neckChannels ? undefined
    : { reason: `it imitates features channel by channel, and the teacher has ${teacher.neckChannels}, the student ${student.neckChannels}`, advice: 'Give both the same `neck.channels`, or set `imitation: none`', differ: [['neck', 'channels']], ...inOption(at, 'imitation', 'none') },
  chen2017: ({ losses, nu }, { teacher, student, at }) => {
    if (losses === 'paper' && student.detector !== 'retinanet') return { reason: '`losses: paper` trains classes and boxes alone, and the student has more branches', advice: 'Set `losses: detector`', ...inOption(at, 'losses', 'detector') };
    return nu === 0 || !scalesDiffer(teacher, student) ? undefined
      : { ...twoDetectors(teacher, student, 'it compares boxes in the units of their heads', 'Pair the same detector on both sides, or set `nu: 0`'), repairs: [repair(set([...at, 'nu'], 0))] };
  },
  lad: ({ losses }, { student, at }) => losses !== 'paa' || student.detector !== 'gfl' ? undefined
    : { reason: '`losses: paa` does not fit GFL\'s distributions', advice: 'Set `losses: detector`', ...inOption(at, 'losses', 'detector') },
  labelenc: ({ stage, encoder }, { at }) => stage !== 'detector' || encoder !== undefined ? undefined
    : { reason: '`stage: detector` learns from a finished label encoder, and none is named', advice: 'Name one as `encoder`, or set `stage: encoder`', ...inOption(at, 'stage', 'encoder') },
};

function inOption(at: KeyPath, key: string, value: unknown): Pick<Refusal, 'key' | 'repairs'> {
  return { key, repairs: [repair(set([...at, key], value))] };
}

function twoDetectors(teacher: Partner, student: Partner, reason: string, advice: string): Refusal {
  return { reason: `${reason}, and the teacher is ${teacher.detector}, the student ${student.detector}`, advice, differ: [['detector']], repairs: [repair(set([...student.path, 'detector'], teacher.detector))] };
}

function teachesTowers(student: Partner): Refusal | undefined {
  return student.headConvs > 0 ? undefined : withoutTowers(student, 'it teaches the towers of the student\'s head');
}

function withoutTowers({ path }: Partner, reason: string): Refusal {
  const isStudent = path[0] === 'student';
  return {
    reason: `${reason}, and the ${isStudent ? 'student' : 'teacher'}'s head has none`, advice: 'Set `head.convs` to 1 or more',
    differ: [['head', 'convs']], repairs: isStudent ? [repair(set([...path, 'head', 'convs'], 1)), repair(remove([...path, 'head', 'convs']))] : [],
  };
}

function boxForm({ detector }: DetectorOutline): 'deltas' | 'distances' | 'distribution' {
  return detector === 'gfl' ? 'distribution' : detector === 'fcos' ? 'distances' : 'deltas';
}

/** Both deltas of anchors, in units of their own. */
function scalesDiffer(teacher: DetectorOutline, student: DetectorOutline): boolean {
  return boxForm(teacher) === 'deltas' && boxForm(student) === 'deltas' && teacher.detector !== student.detector;
}
