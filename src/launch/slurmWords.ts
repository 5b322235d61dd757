/** What Slurm's programs say, and what it means for a run. Pure. */

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** sbatch's own words: the last line is the general one, those before it say more. */
export function reasonOf({ stderr, stdout, code }: Answer): string {
  const lines = `${stderr}\n${stdout}`.split('\n').map((line) => line.replace(/^sbatch: (error|fatal): (Batch job submission failed: )?/, '').trim()).filter((line) => line !== '');
  return lines.length === 0 ? `sbatch ended with code ${code}` : [...new Set(lines)].slice(-3).join('; ');
}

/** sbatch means to ask again by itself for minutes; until then its caller could do nothing else. */
export function asksAgain(stderr: string): boolean {
  return /(sleeping and|disabled,) retrying/i.test(stderr);
}

/** Limits of users, associations and the cluster; not what will never fit. */
export function isLimit(why: string): boolean {
  return /QOSMaxSubmit|AssocMaxSubmit|AssocGrpSubmit|MaxSubmitJobs|violates accounting\/QOS policy|Invalid job array specification|temporarily (unable|unavailable|disabled)|job queue full|try again/i.test(why);
}

/** The scheduler itself is away: being updated, started again, or cut off. */
export function isSilent(why: string): boolean {
  return /unable to contact slurm controller|connect(ion)? (failure|refused|timed out)|socket timed out|zero bytes were transmitted|slurmctld.*(not respond|backup)/i.test(why);
}

/** squeue's refusal when it knows none of the jobs; any other is a scheduler that does not answer. */
export function isForgotten(stderr: string): boolean {
  return /invalid job id/i.test(stderr);
}

/**
 * Why a job that waits never begins as it is, where Slurm takes such jobs all the same (`EnforcePartLimits=NO`, its default).
 * @returns undefined for what passes by itself.
 */
export function never(reason: string): string | undefined {
  const words: Readonly<Record<string, string>> = {
    PartitionTimeLimit: 'its time is longer than the partition allows', PartitionNodeLimit: 'the partition gives no job so many nodes', MaxMemPerLimit: 'its memory is more than the partition allows',
    BadConstraints: 'no node is as it asks for', AccountNotAllowed: 'the partition is not for this account', QOSNotAllowed: 'the partition is not for this quality of service', InvalidAccount: 'the account is not valid', InvalidQOS: 'the quality of service is not valid',
  };
  const known = words[reason];
  if (known !== undefined) return `${known} (${reason})`;
  return /^(QOS|Assoc)M(ax|in)\w*(PerJob|WallDuration)|can't use this partition/.test(reason) ? reason : undefined;
}

export function waiting(reason: string): string {
  const words: Readonly<Record<string, string>> = {
    Priority: 'others come first', Resources: 'no free node', BeginTime: 'put back, begins again shortly', JobArrayTaskLimit: 'as many as asked for go already', None: 'just handed over',
    QOSMaxJobsPerUserLimit: 'your limit of running jobs', AssocMaxJobsLimit: 'your limit of running jobs', PartitionDown: 'the partition is down', PartitionInactive: 'the partition is inactive',
    ReqNodeNotAvail: 'its nodes are not available', Reservation: 'its reservation has not begun', JobHeldUser: 'held; `scontrol release` lets it go', JobHeldAdmin: 'held by an administrator', Licenses: 'no free licence', Dependency: 'waits for another job',
  };
  return words[reason] ?? reason;
}
