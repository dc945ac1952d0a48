/** The alarms of a stack, as CloudWatch has them. */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  type CompositeAlarm,
  type MetricAlarm,
} from "@aws-sdk/client-cloudwatch";
import type { InfraStatus } from "../../contracts/infra-status.ts";
import type { StackParameter } from "../../contracts/stack.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

type Alarm = NonNullable<InfraStatus["alarms"]>[number];

/** DescribeAlarms takes at most so many names; a stack has nine. */
const MAX_NAMES = 100;

const STATES: Readonly<Record<string, Alarm["state"]>> = {
  OK: "ok",
  ALARM: "alarm",
  INSUFFICIENT_DATA: "insufficient-data",
};

/** All that the stack should have, in its order. */
export async function readAlarms(
  { stack, alarms }: Pick<StackParameter, "stack" | "alarms">,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<Alarm[]> {
  // The parameter holds names; an ARN ends in one.
  const names = alarms.map((alarm) => alarm.split(":").at(-1) ?? "").slice(0, MAX_NAMES);
  if (names.length === 0) return [];
  const client = new CloudWatchClient(clientConfig(target));
  // Without types, it leaves composite alarms out.
  const command = new DescribeAlarmsCommand({ AlarmNames: names, AlarmTypes: ["MetricAlarm", "CompositeAlarm"] });
  try {
    const sent = client.send(command, { abortSignal: stop });
    const answer = await asking(`cannot look at the alarms of ${stack}`, sent, target.profile);
    const found = [...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? [])];
    return names.map((name) =>
      alarmOf(
        name,
        stack,
        found.find((one) => one.AlarmName === name),
      ),
    );
  } finally {
    client.destroy();
  }
}

function alarmOf(fullName: string, stack: string, found: MetricAlarm | CompositeAlarm | undefined): Alarm {
  const name = fullName.replace(`kimtest-${stack}-`, "");
  if (found === undefined) return { name, state: "missing", since: null, notifies: false };
  const since = found.StateTransitionedTimestamp ?? found.StateUpdatedTimestamp;
  return {
    name,
    state: STATES[found.StateValue ?? ""] ?? "insufficient-data",
    since: since?.toISOString() ?? null,
    notifies: found.ActionsEnabled === true && (found.AlarmActions ?? []).length > 0,
  };
}
