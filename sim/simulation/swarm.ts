/** Swarm testing (Groce et al., 2012): which kinds of faults a seed gets, and how strong. */
import type { Random } from "../random.ts";
import type { NetworkFaults, StorageFaults } from "../scenario.ts";

/** Every kind of fault is on in so many seeds. */
const FAULT_ON_PER_MILLION = 700_000;

/** Draws the faults of one seed from the mix of a scenario. */
export function swarm<Faults extends NetworkFaults | StorageFaults>(faults: Faults, random: Random): Faults {
  const drawn: Record<string, number | boolean> = {};
  for (const [name, value] of Object.entries(faults) as [string, number | boolean][]) {
    const on = random.chance(FAULT_ON_PER_MILLION);
    const percent = random.between(40, 160);
    if (typeof value === "boolean") drawn[name] = value && on;
    else if (name.endsWith("PerMillion")) drawn[name] = on ? Math.min(Math.floor((value * percent) / 100), 900_000) : 0;
    else if (name.endsWith("EveryMs")) drawn[name] = on ? Math.floor((value * percent) / 100) : 0;
    else drawn[name] = Math.floor((value * percent) / 100);
  }
  return drawn as unknown as Faults;
}
