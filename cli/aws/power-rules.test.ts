/** The rules of spot machines, as tables. What EC2 says stands in the documents that power-rules.ts names. */
import { describe, expect, test } from "@jest/globals";
import { nextStep, stoppedBy, type Goal, type MachineFacts, type Step } from "./power-rules.ts";

const machine = (state: string, spotCode?: string, change: Partial<MachineFacts> = {}): MachineFacts => ({
  id: "i-1",
  state,
  transitionReason: "",
  reasonCode: "",
  spot: spotCode === undefined ? undefined : { id: "sir-1", state: "disabled", code: spotCode },
  ...change,
});

describe("who has stopped it", () => {
  const table: [string, MachineFacts, string][] = [
    ["on-demand is ours, whatever the reason", machine("stopped", undefined, { reasonCode: "Server.X" }), "user"],
    ["a person", machine("stopped", "instance-stopped-by-user"), "user"],
    ["no capacity", machine("stopped", "instance-stopped-no-capacity"), "ec2"],
    ["the price", machine("stopped", "instance-stopped-by-price"), "ec2"],
    ["soon", machine("stopping", "marked-for-stop"), "ec2"],
    ["waits for capacity", machine("stopped", "capacity-not-available"), "ec2"],
    [
      "the code wins over the reason",
      machine("stopped", "instance-stopped-by-user", { reasonCode: "Server.SpotInstanceShutdown" }),
      "user",
    ],
    ["by its code", machine("stopped", "fulfilled", { reasonCode: "Server.SpotInstanceShutdown" }), "ec2"],
    ["by its text", machine("stopped", "fulfilled", { transitionReason: "Service initiated (2026-11-21)" }), "ec2"],
    ["a person, by its text", machine("stopped", "fulfilled", { transitionReason: "User initiated (2026)" }), "user"],
    ["a shutdown inside", machine("stopped", "", { reasonCode: "Client.InstanceInitiatedShutdown" }), "user"],
    ["nothing said", machine("stopped", "fulfilled"), "unknown"],
  ];
  test.each(table)("%s", (_, facts, expected) => {
    expect(stoppedBy(facts)).toBe(expected);
  });
});

describe("the next step", () => {
  const fresh = { isAsked: false, hasMoved: false };
  const asked = { isAsked: true, hasMoved: false };
  const moved = { isAsked: true, hasMoved: true };
  const refused = (why: "gone" | "interrupted" | "fell-back"): Step => ({ kind: "refused", why });
  const table: [Goal, string, string | undefined, typeof fresh, Step][] = [
    ["running", "running", undefined, fresh, { kind: "done" }],
    ["running", "stopped", undefined, fresh, { kind: "act" }],
    ["running", "stopped", undefined, asked, { kind: "wait" }],
    ["running", "stopped", undefined, moved, refused("fell-back")],
    ["running", "pending", undefined, asked, { kind: "wait" }],
    ["running", "stopping", undefined, fresh, { kind: "wait" }],
    ["running", "terminated", undefined, fresh, refused("gone")],
    ["running", "shutting-down", undefined, moved, refused("gone")],
    ["running", "stopped", "instance-stopped-by-user", fresh, { kind: "act" }],
    ["running", "stopped", "instance-stopped-no-capacity", fresh, refused("interrupted")],
    ["running", "stopped", "fulfilled", fresh, { kind: "act" }],
    ["stopped", "stopped", undefined, fresh, { kind: "done" }],
    ["stopped", "running", undefined, fresh, { kind: "act" }],
    ["stopped", "running", "fulfilled", asked, { kind: "wait" }],
    ["stopped", "stopping", "fulfilled", asked, { kind: "wait" }],
    ["stopped", "running", "fulfilled", moved, refused("fell-back")],
    ["stopped", "pending", undefined, fresh, { kind: "wait" }],
    ["stopped", "terminated", undefined, fresh, refused("gone")],
    // It is off, but EC2 will start it: not what was asked for.
    ["stopped", "stopped", "instance-stopped-by-price", fresh, refused("interrupted")],
  ];
  test.each(table)("to be %s: %s, spot status %s, %j", (goal, state, code, progress, expected) => {
    expect(nextStep(goal, machine(state, code), progress)).toEqual(expected);
  });
});
