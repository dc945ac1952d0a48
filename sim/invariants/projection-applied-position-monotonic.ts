/**
 * Applied position: a projection never goes back, and never ahead of what is committed (the position is what
 * a reader waits for to read its own writes; Terry et al., "Session Guarantees", 1994).
 */
export class AppliedPosition {
  private readonly positions: number[];

  constructor(replicas: number) {
    this.positions = new Array<number>(replicas).fill(0);
  }

  /** A replica starts anew. */
  restarted(replica: number): void {
    this.positions[replica] = 0;
  }

  check(replica: number, appliedOp: number, commit: number): string | null {
    const before = this.positions[replica]!;
    this.positions[replica] = appliedOp;
    if (appliedOp > commit)
      return `the projection of replica ${replica} is at op ${appliedOp}, but committed is ${commit}`;
    if (appliedOp >= before) return null;
    return `the projection of replica ${replica} went back from op ${before} to ${appliedOp}`;
  }
}
