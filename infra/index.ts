/** Where Pulumi begins (Pulumi.yaml). What the function returns become the stack's outputs. */
import { RunError } from "@pulumi/pulumi";
import { KimtestError } from "../contracts/errors.ts";
import { buildRunnerBundle } from "./delivery/runner-bundle.ts";
import type { StackOutputs } from "./program.ts";

export default async function main(): Promise<StackOutputs> {
  // Pulumi maps every stack trace to sources by source maps, and takes one for every resource: a quarter of the time.
  // Stripped types leave positions as they are, so Node.js's own traces are right for our files.
  Reflect.deleteProperty(Error, "prepareStackTrace");
  // The bundler is a process of its own: it works while the program is still being loaded.
  const bundle = buildRunnerBundle();
  // Looked at in the program, which may have ended with an error of its own before.
  bundle.catch(() => undefined);
  const { kimtestStack } = await import("./program.ts");
  try {
    return await kimtestStack(bundle);
  } catch (error) {
    // Pulumi prints the message of a RunError alone; of anything else it prints the stack trace as well.
    if (!(error instanceof KimtestError)) throw error;
    throw new RunError(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  }
}
