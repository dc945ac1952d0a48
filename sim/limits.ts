/** How often and how long a search may run seeds: it ends with what it has then, and says so. */
export interface Limits {
  readonly maxRuns: number;
  readonly maxMs: number;
  /** Milliseconds that only grow. */
  readonly monotonicMs: () => number;
}

/** Whether somebody wants the search to end; waiting for the answer lets signals in. */
export type AskStop = () => Promise<boolean>;

export class Budget {
  private readonly limits: Limits;
  private readonly endMs: number;
  private readonly askStop: AskStop;
  private isStopped = false;
  runs = 0;

  constructor(limits: Limits, askStop: AskStop = () => Promise.resolve(false)) {
    this.limits = limits;
    this.endMs = limits.monotonicMs() + limits.maxMs;
    this.askStop = askStop;
  }

  /** Counts a run that is about to begin; false when none may. */
  async spend(): Promise<boolean> {
    this.isStopped ||= await this.askStop();
    if (this.isOver) return false;
    this.runs += 1;
    return true;
  }

  get isOver(): boolean {
    return this.isStopped || this.runs >= this.limits.maxRuns || this.limits.monotonicMs() >= this.endMs;
  }
}
