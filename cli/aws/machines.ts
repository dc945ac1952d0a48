/**
 * The machines and spot requests of a stack, as EC2 has them, whatever Pulumi's state says.
 *
 * A persistent spot request outlives its instance and starts another one, so both are looked for, by tag and by
 * what leads from one to the other. They go in this order: the request first, or it replaces what is terminated.
 */
import {
  CancelSpotInstanceRequestsCommand,
  EC2Client,
  paginateDescribeInstances,
  paginateDescribeSpotInstanceRequests,
  TerminateInstancesCommand,
  type Filter,
} from "@aws-sdk/client-ec2";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export interface Machine {
  readonly id: string;
  /** EC2's instance state. */
  readonly state: string;
  readonly volumes: readonly string[];
  readonly spotRequest: string | undefined;
}

export interface SpotRequest {
  readonly id: string;
  readonly state: string;
  readonly instance: string | undefined;
}

export interface Machines {
  readonly instances: readonly Machine[];
  readonly spotRequests: readonly SpotRequest[];
}

export const STACK_TAGS = (stack: string): Filter[] => [
  { Name: "tag:Project", Values: ["kimtest"] },
  { Name: "tag:Stack", Values: [stack] },
];

/** A machine that can still cost or come back; one that is shutting down is waited for. */
const LIVE_INSTANCE = new Set(["pending", "running", "shutting-down", "stopping", "stopped"]);
/** `disabled`: its instance is stopped; the request is still there. */
const LIVE_REQUEST = new Set(["open", "active", "disabled"]);
const MAX_PAGES = 50;

export class MachineRoom {
  readonly #client: EC2Client;
  readonly #profile: string | undefined;
  readonly #stop: AbortSignal;

  constructor(target: AwsTarget, stop: AbortSignal) {
    this.#client = new EC2Client(clientConfig(target));
    this.#profile = target.profile;
    this.#stop = stop;
  }

  /** All that lives. `known`: what was found before, for an instance's tags and its request's may be gone. */
  async find(stack: string, known: Machines = { instances: [], spotRequests: [] }): Promise<Machines> {
    const tagged = STACK_TAGS(stack);
    const instanceIds = known.instances.map(({ id }) => id);
    const byTag = await this.#instances(tagged);
    const byId = await this.#instances(idFilter("instance-id", instanceIds));
    const everKnown = unique([...byTag, ...byId]);
    const requestIds = [
      ...known.spotRequests.map(({ id }) => id),
      ...[...known.instances, ...everKnown].flatMap(({ spotRequest }) => spotRequest ?? []),
    ];
    const requests = unique([
      ...(await this.#requests(tagged)),
      ...(await this.#requests(idFilter("spot-instance-request-id", [...new Set(requestIds)]))),
    ]);
    // A request that has started another machine names it.
    const fromRequests = await this.#instances(
      idFilter(
        "instance-id",
        requests.flatMap(({ instance }) => instance ?? []),
      ),
    );
    return {
      instances: unique([...everKnown, ...fromRequests]).filter(({ state }) => LIVE_INSTANCE.has(state)),
      spotRequests: requests.filter(({ state }) => LIVE_REQUEST.has(state)),
    };
  }

  async cancel(requests: readonly SpotRequest[]): Promise<void> {
    const ids = requests.map(({ id }) => id);
    const command = new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: ids });
    await asking(
      `cannot cancel ${ids.join(", ")}`,
      this.#client.send(command, { abortSignal: this.#stop }),
      this.#profile,
    );
  }

  async terminate(instances: readonly Machine[]): Promise<void> {
    const ids = instances.map(({ id }) => id);
    const command = new TerminateInstancesCommand({ InstanceIds: ids });
    await asking(
      `cannot terminate ${ids.join(", ")}`,
      this.#client.send(command, { abortSignal: this.#stop }),
      this.#profile,
    );
  }

  close(): void {
    this.#client.destroy();
  }

  async #instances(filters: Filter[] | undefined): Promise<Machine[]> {
    if (filters === undefined) return [];
    const pages = paginateDescribeInstances(
      { client: this.#client },
      { Filters: filters },
      { abortSignal: this.#stop },
    );
    const reservations = await gather("list the instances", pages, (page) => page.Reservations ?? [], this.#profile);
    return reservations
      .flatMap(({ Instances: instances }) => instances ?? [])
      .map((instance) => ({
        id: instance.InstanceId ?? "",
        state: instance.State?.Name ?? "unknown",
        volumes: (instance.BlockDeviceMappings ?? []).flatMap(({ Ebs: volume }) => volume?.VolumeId ?? []),
        spotRequest: instance.SpotInstanceRequestId,
      }));
  }

  async #requests(filters: Filter[] | undefined): Promise<SpotRequest[]> {
    if (filters === undefined) return [];
    const pages = paginateDescribeSpotInstanceRequests(
      { client: this.#client },
      { Filters: filters },
      { abortSignal: this.#stop },
    );
    const requests = await gather(
      "list the spot requests",
      pages,
      (page) => page.SpotInstanceRequests ?? [],
      this.#profile,
    );
    return requests.map((request) => ({
      id: request.SpotInstanceRequestId ?? "",
      state: request.State ?? "unknown",
      instance: request.InstanceId,
    }));
  }
}

const idFilter = (name: string, ids: readonly string[]): Filter[] | undefined =>
  ids.length === 0 ? undefined : [{ Name: name, Values: [...ids] }];

function unique<T extends { readonly id: string }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}

async function gather<Page, Item>(
  what: string,
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly Item[],
  profile: string | undefined,
): Promise<Item[]> {
  const walk = async (): Promise<Item[]> => {
    const found: Item[] = [];
    let count = 0;
    for await (const page of pages) {
      found.push(...itemsOf(page));
      count += 1;
      if (count === MAX_PAGES) break;
    }
    return found;
  };
  return asking(`cannot ${what}`, walk(), profile);
}
