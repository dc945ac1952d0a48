/** How often and how long a search may run seeds: it ends with what it has then, and says so. */
export interface Limits {
  readonly maxRuns: number;
  readonly maxMs: number;
  /** Milliseconds that only grow. */
  readonly monotonicMs: () => number;
}

export class Budget {
  private readonly limits: Limits;
  private readonly endMs: number;
  runs = 0;

  constructor(limits: Limits) {
    this.limits = limits;
    this.endMs = limits.monotonicMs() + limits.maxMs;
  }

  /** Counts a run that is about to begin. */
  spend(): void {
    this.runs += 1;
  }

  get isSpent(): boolean {
    return this.runs >= this.limits.maxRuns || this.limits.monotonicMs() >= this.endMs;
  }
}
