/** Names and tags. Every name carries the stack, so that two stacks live in one account. */
import { KimtestError } from "../contracts/errors.ts";
import { STACK_NAME } from "../contracts/stack.ts";

export const PROJECT = "kimtest";

export type Tags = Readonly<Record<string, string>>;

/** @throws KimtestError `USAGE` for a name that cannot be part of every resource's name. */
export function checkStackName(stack: string): void {
  if (!STACK_NAME.test(stack)) {
    throw new KimtestError("USAGE", `the stack's name is "${stack}", but becomes part of every resource's name`, {
      hint: "a name of at most 20 lower-case letters, digits and -, beginning with a letter: pulumi stack init dev",
    });
  }
}

/** `kimtest-dev-instance` */
export const nameOf = (stack: string, part: string): string => `${PROJECT}-${stack}-${part}`;

/** Known before it exists: the machine writes here that its set-up failed. */
export const logGroupName = (stack: string): string => nameOf(stack, "logs");

/** Bucket names are taken once in the world: account and region make this one ours. At most 56 characters. */
export const bucketName = (stack: string, accountId: string, region: string): string =>
  nameOf(stack, `${accountId}-${region}`);

/**
 * Given to every resource as its own argument, not as a provider default: so they are seen in tests, by the policy
 * pack and in a preview, and those AWS makes beside a resource (volume, spot request) are tagged by the same code.
 */
export const tagsOf = (stack: string): Tags => ({ Project: PROJECT, Stack: stack, ManagedBy: "pulumi" });
