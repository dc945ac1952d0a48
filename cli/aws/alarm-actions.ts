/** Whether an alarm tells anybody: a machine that is stopped on purpose makes no progress, and that is no news. */
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
} from "@aws-sdk/client-cloudwatch";
import { KimtestError } from "../../contracts/errors.ts";
import { asking, clientConfig, type AwsTarget } from "./client.ts";

export async function setAlarmActions(
  alarm: string,
  isOn: boolean,
  target: AwsTarget,
  stop: AbortSignal,
): Promise<void> {
  const client = new CloudWatchClient(clientConfig(target));
  const options = { abortSignal: stop };
  const names = { AlarmNames: [alarm] };
  const verb = isOn ? "enable" : "disable";
  const change = async (): Promise<void> => {
    // Of an alarm that is not there, the calls below say nothing.
    const { MetricAlarms: found = [] } = await client.send(new DescribeAlarmsCommand(names), options);
    if (found.length === 0) throw new KimtestError("NOT_FOUND", `there is no alarm ${alarm}`);
    if (isOn) await client.send(new EnableAlarmActionsCommand(names), options);
    else await client.send(new DisableAlarmActionsCommand(names), options);
  };
  try {
    await asking(`cannot ${verb} the actions of ${alarm}`, change(), target.profile);
  } finally {
    client.destroy();
  }
}
