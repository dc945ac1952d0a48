/**
 * The processor architecture of an EC2 instance type, by its name.
 *
 * A name is FAMILY GENERATION ATTRIBUTES . SIZE: `c7gd.xlarge` is family c, generation 7, attributes "gd". The first
 * attribute names the processor, and g is Graviton; a1 is the one Graviton family older than that rule.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 * Asking EC2 instead would need credentials before the configuration can be checked.
 */

export type Architecture = "arm64" | "x86_64";

/** Families that can run the service. Not here: mac (dedicated hosts), u (memory in terabytes), and what is unknown. */
const FAMILIES = new Set("a c d dl f g gr h hpc i im inf is m p r t trn vt x z".split(" "));

const INSTANCE_TYPE =
  /^([a-z]+)(\d+)([a-z]*)(?:-flex)?\.(?:nano|micro|small|medium|large|(?:\d+)?xlarge|metal(?:-\d+xl)?)$/;

/** Undefined for a type that is not recognised: guessing would start an image on the wrong processor. */
export function architectureOf(instanceType: string): Architecture | undefined {
  const match = INSTANCE_TYPE.exec(instanceType);
  if (match === null) return undefined;
  const [, family = "", generation = "", attributes = ""] = match;
  if (!FAMILIES.has(family)) return undefined;
  if (family === "a") return generation === "1" && attributes === "" ? "arm64" : undefined;
  return attributes.startsWith("g") ? "arm64" : "x86_64";
}
