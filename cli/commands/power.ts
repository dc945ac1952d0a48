/** What infra-stop and infra-start share: bring the machine there, say what happens, end in the truth. */
import { KimtestError } from "../../contracts/errors.ts";
import type { Arrival, Patience } from "../aws/power.ts";
import type { Goal, MachineFacts } from "../aws/power-rules.ts";
import type { FoundStack, StackChoice } from "../aws/stack.ts";
import type { CliDeps } from "../deps.ts";

export interface PowerOptions extends StackChoice {
  readonly json?: true | undefined;
}

/** A machine stops within a minute or two: systemd and the runner end in order. */
export const PATIENCE: Patience = { pollMs: 3_000, limitMs: 8 * 60_000 };

export async function power(goal: Goal, options: PowerOptions, deps: CliDeps, patience: Patience): Promise<void> {
  const [{ findStack }, { PowerSwitch }, { interruptible }] = await Promise.all([
    import("../aws/stack.ts"),
    import("../aws/power.ts"),
    import("../aws/interruptible.ts"),
  ]);
  const { stop } = deps;
  let now = "nothing was changed";
  const work = async (): Promise<void> => {
    const found = await findStack(options, stop, deps.here);
    const { parts, target } = found;
    const lever = new PowerSwitch(parts.instance_id, target, stop);
    try {
      const arrival = await lever.bring(goal, patience, (machine) => {
        now = `the machine was ${machine.state}, and EC2 goes on with what it was asked for`;
        deps.err(`${machine.id} is ${machine.state}\n`);
      });
      assertArrived(goal, arrival, parts.stack, patience);
      now = `the machine is ${goal}; its alarm may not be set`;
      await setAlarm(goal, found, deps);
      await report(goal, arrival, found, options, deps);
    } finally {
      lever.close();
    }
  };
  await interruptible(stop, work(), () => `interrupted: ${now}`);
}

function assertArrived(goal: Goal, { machine, end }: Arrival, stack: string, patience: Patience): void {
  if (end.kind === "done") return;
  if (end.kind === "wait") {
    const minutes = String(Math.round(patience.limitMs / 60_000));
    throw new KimtestError("CLOUD_FAILED", `${machine.id} is still ${machine.state} after ${minutes} minutes`, {
      hint: `run it again to wait on; the machine's own words: kimtest infra-logs --stack ${stack}`,
    });
  }
  if (end.why === "gone") {
    throw new KimtestError("NOT_FOUND", `${machine.id} is ${machine.state}: it cannot be ${verb(goal)} any more`, {
      hint: `another one has taken its place, or none: kimtest deploy-infra --stack ${stack} puts that right`,
    });
  }
  if (end.why === "interrupted") throw interrupted(goal, machine, stack);
  throw new KimtestError("CLOUD_FAILED", `${machine.id} is ${machine.state} again: ${reasonText(machine)}`, {
    hint: "try again; for want of capacity or of a fitting price, later or with another instanceType",
  });
}

function interrupted(goal: Goal, machine: MachineFacts, stack: string): KimtestError {
  const message = `${machine.id} was interrupted by EC2 (${reasonText(machine)})`;
  if (goal === "running") {
    return new KimtestError("CLOUD_FAILED", `${message}: only EC2 starts it again, when there is room`, {
      hint: "wait, or deploy with another instanceType, availabilityZone, spotMaxPrice or purchase (docs/deploy.md)",
    });
  }
  return new KimtestError("CLOUD_FAILED", `${message}: it is off, but EC2 starts it again when there is room`, {
    hint:
      `to keep it off, stop it once it runs, or: kimtest infra-destroy --stack ${stack}; ` +
      "never cancel the request of a stopped machine: EC2 would terminate it",
  });
}

function reasonText({ spot, transitionReason, reasonCode }: MachineFacts): string {
  const said = [spot?.code ?? "", reasonCode, transitionReason].filter((one) => one !== "" && one !== "fulfilled");
  return said.length === 0 ? "EC2 says no reason" : said.join(", ");
}

const verb = (goal: Goal): string => (goal === "running" ? "started" : "stopped");

const NO_PROGRESS = /(?:^|:)(kimtest-[a-z0-9-]+-no-progress)$/;

/** After the fact: the alarm takes a quarter of an hour of silence, and so it never listens to a machine that runs. */
async function setAlarm(goal: Goal, { parts, target }: FoundStack, deps: CliDeps): Promise<void> {
  const { setAlarmActions } = await import("../aws/alarm-actions.ts");
  const alarm = parts.alarms.flatMap((one) => NO_PROGRESS.exec(one)?.[1] ?? [])[0];
  if (alarm === undefined) {
    throw new KimtestError(
      "CORRUPT_DATA",
      `the machine is ${goal}, but stack ${parts.stack} has no alarm no-progress`,
      {
        hint: `deploy it again: kimtest deploy-infra --stack ${parts.stack}`,
      },
    );
  }
  try {
    await setAlarmActions(alarm, goal === "running", target, deps.stop);
  } catch (error) {
    if (!(error instanceof KimtestError) || deps.stop.aborted) throw error;
    throw new KimtestError(error.code, `the machine is ${goal}, but ${error.message}`, {
      hint: `aws cloudwatch ${goal === "running" ? "enable" : "disable"}-alarm-actions --region ${target.region} --alarm-names ${alarm}`,
      cause: error,
    });
  }
}

async function report(
  goal: Goal,
  { machine, isChanged }: Arrival,
  { parts, target }: FoundStack,
  options: PowerOptions,
  deps: CliDeps,
): Promise<void> {
  const { stack } = parts;
  if (options.json) {
    const { jsonText } = await import("../json.ts");
    deps.out(
      jsonText({ stack, region: target.region, instance_id: machine.id, state: machine.state, changed: isChanged }),
    );
  } else {
    deps.out(`stack ${stack}: ${machine.id} is ${machine.state}${isChanged ? "" : " already"}\n`);
  }
  const where = `--stack ${stack} --region ${target.region}`;
  deps.err(
    goal === "running"
      ? `the service goes on with its cycle in a minute or two: kimtest infra-logs ${where}\n`
      : `its disk is kept and paid for; no-progress tells nobody until: kimtest infra-start ${where}\n`,
  );
}
