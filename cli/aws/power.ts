/** Starts and stops the machine of a stack, and tells what EC2 says of it; the rules are in power-rules.ts. */
import { setTimeout as delay } from "node:timers/promises";
import {
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  EC2Client,
  StartInstancesCommand,
  StopInstancesCommand,
  type Filter,
} from "@aws-sdk/client-ec2";
import { KimtestError } from "../../contracts/errors.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";
import { nextStep, type Goal, type MachineFacts, type SpotFacts, type Step } from "./power-rules.ts";

export interface Patience {
  readonly pollMs: number;
  readonly limitMs: number;
}

export interface Arrival {
  readonly machine: MachineFacts;
  /** How it ended: as wanted, refused, or not within the limit. */
  readonly end: Exclude<Step, { kind: "act" }>;
  /** False when it was as wanted from the start. */
  readonly isChanged: boolean;
}

export interface InstanceView extends Omit<MachineFacts, "spot"> {
  readonly type: string;
  /** Availability zone. */
  readonly zone: string | undefined;
  /** Newest start. */
  readonly launchedAt: Date | undefined;
  /** Id of its spot request. */
  readonly spotRequest: string | undefined;
}

export interface SpotView extends SpotFacts {
  readonly createdAt: Date | undefined;
}

export class PowerSwitch {
  readonly #client: EC2Client;
  readonly #id: string;
  readonly #profile: string | undefined;
  readonly #stop: AbortSignal;

  constructor(id: string, target: AwsTarget, stop: AbortSignal) {
    this.#client = new EC2Client(clientConfig(target));
    this.#id = id;
    this.#profile = target.profile;
    this.#stop = stop;
  }

  /** `tell` is called with each state that was not the one before. */
  async bring(goal: Goal, patience: Patience, tell: (machine: MachineFacts) => void): Promise<Arrival> {
    const deadlineMs = performance.now() + patience.limitMs;
    let isAsked = false;
    let hasMoved = false;
    let told = "";
    for (;;) {
      const machine = await this.look();
      if (isAsked && (machine.state === "pending" || machine.state === "stopping")) hasMoved = true;
      if (machine.state !== told) tell(machine);
      told = machine.state;
      const step = nextStep(goal, machine, { isAsked, hasMoved });
      if (step.kind === "done" || step.kind === "refused") return { machine, end: step, isChanged: isAsked };
      if (step.kind === "act") {
        await this.#ask(goal);
        isAsked = true;
      }
      if (performance.now() >= deadlineMs) return { machine, end: { kind: "wait" }, isChanged: isAsked };
      await delay(patience.pollMs, undefined, { signal: this.#stop });
    }
  }

  /** The machine with its spot request. */
  async look(): Promise<MachineFacts> {
    const machine = await this.instance();
    return { ...machine, spot: await this.spotRequest(machine.spotRequest) };
  }

  /** @throws KimtestError `NOT_FOUND` when EC2 knows no such machine (any more). */
  async instance(): Promise<InstanceView> {
    const command = new DescribeInstancesCommand({ Filters: [{ Name: "instance-id", Values: [this.#id] }] });
    const sent = this.#client.send(command, { abortSignal: this.#stop });
    const answer = await asking(`cannot look at ${this.#id}`, sent, this.#profile);
    const instance = answer.Reservations?.[0]?.Instances?.[0];
    if (instance === undefined) {
      throw new KimtestError("NOT_FOUND", `EC2 knows no instance ${this.#id}`, { hint: GONE_HINT });
    }
    return {
      id: this.#id,
      state: instance.State?.Name ?? "unknown",
      transitionReason: instance.StateTransitionReason ?? "",
      reasonCode: instance.StateReason?.Code ?? "",
      type: instance.InstanceType ?? "unknown",
      zone: instance.Placement?.AvailabilityZone,
      launchedAt: instance.LaunchTime,
      spotRequest: instance.SpotInstanceRequestId,
    };
  }

  /** undefined for an on-demand machine. `id`: where the machine names its request. */
  async spotRequest(id: string | undefined): Promise<SpotView | undefined> {
    const filter: Filter =
      id === undefined
        ? { Name: "instance-id", Values: [this.#id] }
        : { Name: "spot-instance-request-id", Values: [id] };
    const command = new DescribeSpotInstanceRequestsCommand({ Filters: [filter] });
    const sent = this.#client.send(command, { abortSignal: this.#stop });
    const answer = await asking(`cannot look at the spot request of ${this.#id}`, sent, this.#profile);
    const found = answer.SpotInstanceRequests?.[0];
    if (found === undefined) return undefined;
    return {
      id: found.SpotInstanceRequestId ?? "",
      state: found.State ?? "",
      code: found.Status?.Code ?? "",
      createdAt: found.CreateTime,
    };
  }

  close(): void {
    this.#client.destroy();
  }

  async #ask(goal: Goal): Promise<void> {
    const input = { InstanceIds: [this.#id] };
    const options = { abortSignal: this.#stop };
    if (goal === "running") {
      await asking(
        `cannot start ${this.#id}`,
        this.#client.send(new StartInstancesCommand(input), options),
        this.#profile,
      );
    } else {
      await asking(
        `cannot stop ${this.#id}`,
        this.#client.send(new StopInstancesCommand(input), options),
        this.#profile,
      );
    }
  }
}

export const GONE_HINT = "it was terminated, or another one has taken its place: kimtest deploy-infra puts that right";
