/**
 * A very small deployment engine: creates what the Pulumi program registers in an AWS emulator, through the AWS SDK,
 * and answers as the AWS provider would (ids, ARNs).
 *
 * An unknown type, and an input that nobody carries over, are errors: a new resource cannot be left out of the proof
 * by accident. What the emulator does not keep is said where it is skipped.
 */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { identity, identityInvokes } from "./identity.ts";
import { Inputs, type Applied } from "./inputs.ts";
import { machine, machineInvokes } from "./machine.ts";
import { storage } from "./storage.ts";
import { watching } from "./watching.ts";

export interface Engine {
  apply(type: string, name: string, inputs: Readonly<Record<string, unknown>>): Promise<Applied>;
  invoke(token: string, inputs: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
}

/** Works on the emulator that the environment names (AWS_ENDPOINT_URL). */
export async function openEngine(): Promise<Engine> {
  const { Account: accountId = "" } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  const appliers = { ...storage(), ...machine(), ...watching(accountId), ...identity(accountId) };
  const invokes = { ...identityInvokes(), ...machineInvokes() };
  return {
    async apply(type, name, values) {
      const apply = appliers[type];
      if (apply === undefined) throw new Error(`the test's engine does not know ${type} (${name})`);
      const inputs = new Inputs(`${type} ${name}`, values);
      const applied = await apply(inputs);
      inputs.end();
      return applied;
    },
    async invoke(token, values) {
      const invoke = invokes[token];
      if (invoke === undefined) throw new Error(`the test's engine does not know ${token}`);
      return invoke(new Inputs(token, values));
    },
  };
}
