/**
 * Who may start a stopped machine, and what to do next on the way to running or stopped. Pure.
 *
 * A spot machine that EC2 has stopped (an interruption) is started again by EC2 alone, when there is room; one that a
 * person has stopped, by a person alone. Which of the two it was stands in the spot request's status code and in the
 * instance's state transition reason:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-request-status-understand.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/stop-spot-instances.html
 */

export interface MachineFacts {
  readonly id: string;
  /** EC2's instance state. */
  readonly state: string;
  /** Why it came into this state, as EC2 words it; empty for most states that last. */
  readonly transitionReason: string;
  /** Such as `Server.SpotInstanceShutdown`. */
  readonly reasonCode: string;
  /** undefined for an on-demand machine. */
  readonly spot: SpotFacts | undefined;
}

export interface SpotFacts {
  readonly id: string;
  readonly state: string;
  /** The status code. */
  readonly code: string;
}

export type StoppedBy = "user" | "ec2" | "unknown";

const CODES_OF_EC2 = new Set([
  "marked-for-stop",
  "marked-for-stop-by-experiment",
  "instance-stopped-by-price",
  "instance-stopped-by-experiment",
  "instance-stopped-capacity-oversubscribed",
  "instance-stopped-no-capacity",
  // The request of an interrupted machine waits for these before EC2 starts it again.
  "capacity-not-available",
  "capacity-oversubscribed",
  "price-too-low",
  "pending-evaluation",
  "pending-fulfillment",
]);

/** The status code lags behind the instance (it may still say `fulfilled`): then the reasons decide. */
export function stoppedBy({ spot, transitionReason, reasonCode }: MachineFacts): StoppedBy {
  if (spot === undefined) return "user";
  if (spot.code === "instance-stopped-by-user") return "user";
  if (CODES_OF_EC2.has(spot.code)) return "ec2";
  if (/^Server\.Spot/.test(reasonCode) || /^(?:Server\.Spot|Service initiated)/.test(transitionReason)) return "ec2";
  if (/^Client\./.test(reasonCode) || /^User initiated/.test(transitionReason)) return "user";
  return "unknown";
}

export type Goal = "running" | "stopped";

export type Step =
  /** It is as wanted, and stays so. */
  | { readonly kind: "done" }
  | { readonly kind: "wait" }
  /** StartInstances or StopInstances. */
  | { readonly kind: "act" }
  /** It cannot be reached by us. */
  | { readonly kind: "refused"; readonly why: "gone" | "interrupted" | "fell-back" };

export interface Progress {
  /** EC2 has accepted our request. */
  readonly isAsked: boolean;
  /** Since then the machine has been seen on its way. */
  readonly hasMoved: boolean;
}

export function nextStep(goal: Goal, machine: MachineFacts, { isAsked, hasMoved }: Progress): Step {
  const { state } = machine;
  if (state === "terminated" || state === "shutting-down") return { kind: "refused", why: "gone" };
  if (state === "stopped" && stoppedBy(machine) === "ec2") return { kind: "refused", why: "interrupted" };
  if (state === goal) return { kind: "done" };
  // On its way, there or back: EC2 takes neither request before it has arrived.
  if (state === "pending" || state === "stopping") return { kind: "wait" };
  if (!isAsked) return { kind: "act" };
  // What EC2 tells may be some seconds old. But what had moved and is back, has failed.
  return hasMoved ? { kind: "refused", why: "fell-back" } : { kind: "wait" };
}
