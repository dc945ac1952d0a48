/**
 * Replica head progress: a replica's view never goes back, not even over a crash, and its commit number
 * never passes the end of its log ("Viewstamped Replication Revisited" section 8).
 */
export class ReplicaHeadProgress {
  private readonly views: number[];

  constructor(replicas: number) {
    this.views = new Array<number>(replicas).fill(0);
  }

  /** `durableView` is what the replica has on disk: only that must outlive a crash. */
  check(replica: number, view: number, durableView: number, op: number, commit: number): string | null {
    if (commit > op) return `replica ${replica} has committed op ${commit}, but its log ends at op ${op}`;
    if (view < this.views[replica]!) return `replica ${replica} went back from view ${this.views[replica]!} to ${view}`;
    this.views[replica] = durableView;
    return null;
  }
}
