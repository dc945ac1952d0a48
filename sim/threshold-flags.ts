/** The flags that say what a batch must have exercised, and what they add up to. */
import {
  NO_THRESHOLDS,
  THRESHOLD_PROFILES,
  type CoverageThresholds,
  type ThresholdProfile,
} from "../contracts/coverage-thresholds.ts";
import { usage } from "./draft.ts";
import { INVARIANTS } from "./invariants/catalogue.ts";

export class ThresholdFlags {
  private profile: ThresholdProfile | null = null;
  private minFaults: number | null = null;
  private minInvariants: number | null = null;
  private everyInvariant = false;

  /** True when `flag` is one of these; it takes no value. */
  takesSwitch(flag: string): boolean {
    if (flag !== "--require-all-invariants") return false;
    this.everyInvariant = true;
    return true;
  }

  /** True when `name` is one of these. */
  takesValue(name: string, value: string): boolean {
    if (name === "--coverage-threshold") this.profile = profileNamed(value);
    else if (name === "--min-fault-coverage") this.minFaults = shareOf(value, name);
    else if (name === "--min-invariant-coverage") this.minInvariants = shareOf(value, name);
    else return false;
    return true;
  }

  /** null when nothing was asked for. A number of its own takes the place of the profile's. */
  thresholds(): CoverageThresholds | null {
    const { profile, minFaults, minInvariants, everyInvariant } = this;
    if (profile === null && minFaults === null && minInvariants === null && !everyInvariant) return null;
    const base = profile === null ? NO_THRESHOLDS : THRESHOLD_PROFILES[profile];
    return {
      ...base,
      faultPointCoverageMin: minFaults ?? base.faultPointCoverageMin,
      invariantCoverageMin: minInvariants ?? base.invariantCoverageMin,
      requiredInvariants: everyInvariant ? INVARIANTS.map(({ name }) => name) : base.requiredInvariants,
    };
  }
}

function profileNamed(name: string): ThresholdProfile {
  if (Object.hasOwn(THRESHOLD_PROFILES, name)) return name as ThresholdProfile;
  throw usage(`there is no coverage threshold "${name}"`, `thresholds: ${Object.keys(THRESHOLD_PROFILES).join(", ")}`);
}

/** From per cent. Less than one of them is hardly what was meant. */
function shareOf(text: string, what: string): number {
  const percent = /^\d{1,3}(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (percent >= 1 && percent <= 100) return percent / 100;
  throw usage(
    `${what} is "${text}", but must be a number of per cent from 1 to 100`,
    `for example ${what} 80 for four fifths`,
  );
}
