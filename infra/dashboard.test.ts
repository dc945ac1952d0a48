import { expect, test } from "@jest/globals";
import { ALL_METRICS, dashboardBody, dashboardUrl, SHOWN_METRICS } from "./dashboard.ts";

const BODY = dashboardBody({ stack: "dev", region: "eu-west-1", instanceId: "i-1", alarmArns: ["arn:one", "arn:two"] });

test("every metric is shown, once", () => {
  expect([...SHOWN_METRICS].sort()).toEqual([...ALL_METRICS].sort());
});

test("each graph is of this stack, in its region", () => {
  const metrics = BODY.widgets.flatMap(({ properties }) => (properties["metrics"] as string[][] | undefined) ?? []);
  expect(metrics.map((metric) => metric.slice(2).join("=")).sort()).toEqual([
    "InstanceId=i-1",
    "InstanceId=i-1",
    ...Array<string>(ALL_METRICS.length + 4).fill("Stack=dev"),
  ]);
  const graphs = BODY.widgets.filter(({ type }) => type === "metric");
  expect(new Set(graphs.map(({ properties }) => properties["region"]))).toEqual(new Set(["eu-west-1"]));
});

test("alarms stand on top", () => {
  expect(BODY.widgets[0]).toEqual({
    type: "alarm",
    x: 0,
    y: 0,
    width: 24,
    height: 6,
    properties: { title: "kimtest dev", alarms: ["arn:one", "arn:two"] },
  });
});

test("no widget covers another, and none leaves the 24 columns", () => {
  const cells = BODY.widgets.flatMap(({ x, y, width, height }) =>
    Array.from({ length: width * height }, (_, cell) => `${x + (cell % width)},${y + Math.floor(cell / width)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(BODY.widgets.every(({ x, width }) => x + width <= 24)).toBe(true);
});

test("the address of the dashboard", () => {
  expect(dashboardUrl("eu-west-1", "kimtest-dev-dashboard")).toBe(
    "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/kimtest-dev-dashboard",
  );
});
