/** How a stack may be named on the command line, and where it is when nobody says otherwise. */
import { KimtestError } from "../../contracts/errors.ts";
import { STACK_NAME } from "../../contracts/stack.ts";

export const DEFAULT_REGION = "us-east-1";

/**
 * The stack's own name, without the organisation and project that `--stack` may name, too. `by`: who named it.
 *
 * @throws KimtestError `USAGE` for a name that resources cannot carry
 */
export function bareName(stack: string, by = "--stack"): string {
  const parts = stack.split("/");
  const name = parts.at(-1) ?? "";
  if (STACK_NAME.test(name) && parts.length <= 3 && parts.every((part) => /^[A-Za-z0-9][\w.-]*$/.test(part)))
    return name;
  throw new KimtestError("USAGE", `${by} is "${stack}", which cannot be a stack`, {
    hint: "up to 20 lower-case letters, digits and hyphens, a letter first; an organisation may stand before it: org/dev",
  });
}
