/** Role and parameters. */
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Apply, Invoke } from "./inputs.ts";

export function identity(accountId: string): Record<string, Apply> {
  const iam = new IAMClient({});
  const ssm = new SSMClient({});
  return {
    "aws:iam/role:Role": async (inputs) => {
      const RoleName = inputs.text("name");
      const { Role } = await iam.send(
        new CreateRoleCommand({
          RoleName,
          Description: inputs.text("description"),
          AssumeRolePolicyDocument: inputs.text("assumeRolePolicy"),
          Tags: inputs.tags(),
        }),
      );
      return { id: RoleName, outputs: { arn: Role?.Arn } };
    },
    "aws:iam/rolePolicy:RolePolicy": async (inputs) => {
      const PolicyName = inputs.text("name");
      const RoleName = inputs.text("role");
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: inputs.text("policy") }));
      return { id: `${RoleName}:${PolicyName}`, outputs: {} };
    },
    "aws:iam/instanceProfile:InstanceProfile": async (inputs) => {
      const InstanceProfileName = inputs.text("name");
      await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName, Tags: inputs.tags() }));
      await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: inputs.text("role") }));
      return { id: InstanceProfileName, outputs: {} };
    },
    "aws:ssm/parameter:Parameter": async (inputs) => {
      const Name = inputs.text("name");
      await ssm.send(
        new PutParameterCommand({
          Name,
          Type: inputs.text("type") as "String",
          Tier: inputs.text("tier") as "Standard",
          Description: inputs.text("description"),
          Value: inputs.text("insecureValue"),
          Tags: inputs.tags(),
        }),
      );
      const region = await ssm.config.region();
      return { id: Name, outputs: { arn: `arn:aws:ssm:${region}:${accountId}:parameter${Name}` } };
    },
  };
}

export const identityInvokes = (): Record<string, Invoke> => ({
  "aws:index/getCallerIdentity:getCallerIdentity": async () => {
    const { Account, Arn, UserId } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
    return { id: Account, accountId: Account, arn: Arn, userId: UserId };
  },
  "aws:ssm/getParameter:getParameter": async (inputs) => {
    const { Parameter } = await new SSMClient({}).send(new GetParameterCommand({ Name: inputs.text("name") }));
    return { id: Parameter?.Name, name: Parameter?.Name, value: Parameter?.Value, type: Parameter?.Type };
  },
});
