/**
 * Student's t distribution: the two-sided p-value of a t, and the t of a confidence.
 *
 * By the incomplete beta function as a continued fraction (Abramowitz and Stegun 26.5.8, evaluated with
 * Lentz's method); the tests compare it with published tables.
 */

const MAX_TERMS = 300;
const TINY = 1e-300;
const PRECISION = 1e-14;

/** Two-sided: how likely a |t| at least so large is with no difference. `degrees` may be fractional, above 0. */
export function twoSidedP(t: number, degrees: number): number {
  if (!(degrees > 0)) throw new RangeError("degrees of freedom must be above 0");
  if (Number.isNaN(t)) throw new RangeError("t is not a number");
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}

/** The t beyond which, on both sides together, lies 1 - `confidence`. */
export function criticalT(confidence: number, degrees: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError("a confidence lies between 0 and 1");
  const wanted = 1 - confidence;
  let low = 0;
  let high = 1;
  while (twoSidedP(high, degrees) > wanted && high < 1e9) high *= 2;
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    if (twoSidedP(middle, degrees) > wanted) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Regularised: I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast below this x; above it the mirrored one does.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

function fraction(x: number, a: number, b: number): number {
  const kept = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let term = 1; term <= MAX_TERMS; term += 1) {
    const even = (term * (b - term) * x) / ((a + 2 * term - 1) * (a + 2 * term));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    result *= d * c;
    const odd = (-(a + term) * (a + b + term) * x) / ((a + 2 * term) * (a + 2 * term + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return result;
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Lanczos's approximation (g = 7, nine terms) for arguments above 0. */
function logGamma(argument: number): number {
  if (argument < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * argument)) - logGamma(1 - argument);
  const x = argument - 1;
  const t = x + 7.5;
  const sum = LANCZOS.reduce((total, factor, index) => (index === 0 ? factor : total + factor / (x + index)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(sum);
}
