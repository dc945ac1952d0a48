/**
 * Synthetic benchmark histories: clean ones, and the same with a planted shift. Seeded, so that a figure that is
 * printed or fixed by a test can be had again.
 *
 * What repeated runs look like was measured on a shared two-core machine (docs/benchmarks.md, "The noise") and is
 * modelled after Mytkowicz et al. 2009 and Kalibera and Jones 2013: runs resemble their neighbours, tails are heavy
 * and long to the slow side, and a run can land in another mode (code layout, a noisy neighbour) that the spread
 * inside the run knows nothing of.
 */

export interface NoiseModel {
  /** What it stands for. */
  readonly name: string;
  /** Standard deviation of the log of a run, without tails and modes. */
  readonly deviation: number;
  /** Correlation of neighbouring runs. */
  readonly autocorrelation: number;
  /** Student's t with so many degrees of freedom; Infinity is normal. */
  readonly tailDegrees: number;
  /** Share of runs that are slower by 8 to 30 % for no reason. */
  readonly outlierShare: number;
  /** A second mode: share of runs in it and how much slower it is. */
  readonly modeShare: number;
  readonly modeShift: number;
}

const STEADY: NoiseModel = {
  name: "steady: normal, 1 %",
  deviation: 0.01,
  autocorrelation: 0,
  tailDegrees: Infinity,
  outlierShare: 0,
  modeShare: 0,
  modeShift: 0,
};

/** From the kindest to the worst. */
export const NOISE_MODELS: readonly NoiseModel[] = [
  STEADY,
  { ...STEADY, name: "tails: t with 3 degrees, 1.5 %, outliers", deviation: 0.015, tailDegrees: 3, outlierShare: 0.03 },
  { ...STEADY, name: "slow drift: lag-one correlation 0.5, 1.5 %", deviation: 0.015, autocorrelation: 0.5 },
  { ...STEADY, name: "two modes: 30 % of runs slower by 4 %, 1 %", modeShare: 0.3, modeShift: 0.04 },
  {
    name: "shared machine: all of it, 2 %",
    deviation: 0.02,
    autocorrelation: 0.3,
    tailDegrees: 4,
    outlierShare: 0.05,
    modeShare: 0.15,
    modeShift: 0.05,
  },
];

/** Uniform in [0, 1), by sfc32 (public domain, PractRand). */
export function seededRandom(seed: number): () => number {
  let a = 0x9e3779b9 ^ seed;
  let b = Math.imul(seed, 0x85ebca6b) | 0;
  let c = 0xb5297a4d;
  let counter = 1;
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round += 1) next();
  return next;
}

/** Standard normal, by Box and Muller. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Scaled to the spread of a standard normal for any number of degrees above 2. */
function studentT(random: () => number, degrees: number): number {
  if (!Number.isFinite(degrees)) return normal(random);
  let chiSquared = 0;
  for (let degree = 0; degree < degrees; degree += 1) chiSquared += normal(random) ** 2;
  return normal(random) / Math.sqrt(chiSquared / degrees) / Math.sqrt(degrees / (degrees - 2));
}

/** Logs of run times, mean about 0. */
export function noiseOf(model: NoiseModel, length: number, random: () => number): number[] {
  let drift = normal(random);
  return Array.from({ length }, () => {
    const { autocorrelation: rho } = model;
    drift = rho * drift + Math.sqrt(1 - rho * rho) * studentT(random, model.tailDegrees);
    const outlier = random() < model.outlierShare ? 0.08 + 0.22 * random() : 0;
    const mode = random() < model.modeShare ? model.modeShift : 0;
    return model.deviation * drift + outlier + mode;
  });
}

/** From `at` on slower by `shift` (0.05 is 5 %). */
export function shifted(values: readonly number[], at: number, shift: number): number[] {
  return values.map((value, index) => (index < at ? value : value + Math.log1p(shift)));
}
