/** What infra-cost prints; the numbers themselves are tested in cli/infra/cost.test.ts. */
import { expect, test } from "@jest/globals";
import { kimtest } from "../fake-deps.fixture.ts";

interface CostJson {
  readonly items: { readonly name: string; readonly low_usd: number; readonly source: string }[];
  readonly total: { readonly low_usd: number; readonly high_usd: number };
  readonly configurations: { readonly instance_type: string; readonly purchase: string; readonly low_usd: number }[];
}

const TABLE = `c7g.xlarge, spot, 60 GB, per month in USD
c7g.xlarge spot (estimate)  23.29 to 52.92  730 h x $0.145/h x 0.22 to 0.5
public IPv4 address                   3.65  730 h x $0.005/h
disk, gp3                             4.80  60 GB x $0.08/GB
custom metrics                        5.40  14 + 4 of the machine x $0.3
metric requests                       0.88  87600 x $0.01/1,000
alarms                                0.80  8 x $0.1
composite alarm                       0.50  1 x $0.5
dashboard                             3.00  1 x $3
logs, written                         2.50  5 GB (assumed) x $0.5/GB
logs, kept                            0.04  5 GB x 7 of 30 days x $0.03/GB
KMS key, first year                   1.00  1 x $1
S3, kept                              0.46  20 GB (assumed) x $0.023/GB
S3, puts                              0.23  15.2 cycles x 3011 x $0.005/1,000
e-mails                               0.00  31 x $0.02/1,000
total                       46.54 to 76.18

total of                   spot  on-demand
t4g.small        72.67 to 76.10      82.23
t4g.medium       75.37 to 82.23      94.50
c7g.medium       29.08 to 36.50      49.75
c7g.large        34.89 to 49.71      76.18
c7g.xlarge       46.54 to 76.18     129.10
c7g.2xlarge     69.82 to 129.10     234.95
c7g.4xlarge    116.40 to 234.95     446.65
c7i.large        37.58 to 55.83      88.40
c7i.xlarge       51.92 to 88.40     153.56
c7i.2xlarge     80.58 to 153.56     283.86

prices: us-east-1, 2026-09-16, before tax, no free tier; AWS's own: https://calculator.aws
spot prices change; today's: aws ec2 describe-spot-price-history --product-descriptions Linux/UNIX \\
  --instance-types c7g.xlarge --start-time "$(date -u +%FT%TZ)" --region us-east-1
`;

test("as a table", async () => {
  const ran = await kimtest(["infra-cost"]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout).toBe(TABLE);
});

test("as JSON, always of the same shape", async () => {
  const argv = [
    "infra-cost",
    "--instance-type",
    "t4g.small",
    "--purchase",
    "on-demand",
    "--volume-size",
    "30",
    "--json",
  ];
  const ran = await kimtest(argv);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  const cost = JSON.parse(ran.stdout) as CostJson;
  expect(Object.keys(cost).sort()).toEqual([
    "assumed",
    "configurations",
    "currency",
    "cycle_hours",
    "hours_per_month",
    "instance_type",
    "items",
    "prices_as_of",
    "purchase",
    "region",
    "total",
    "volume_size_gb",
  ]);
  expect(cost).toMatchObject({ currency: "USD", region: "us-east-1", instance_type: "t4g.small", volume_size_gb: 30 });
  for (const item of cost.items) {
    expect(Object.keys(item)).toEqual(["name", "formula", "low_usd", "high_usd", "source"]);
    expect(item.source).toMatch(/^https:\/\/aws\.amazon\.com\//);
  }
  const same = cost.configurations.find((one) => one.instance_type === "t4g.small" && one.purchase === "on-demand");
  expect(same?.low_usd).toBe(cost.total.low_usd);
});

test("a type without a price: exit code 2, and those that have one", async () => {
  expect(await kimtest(["infra-cost", "--instance-type", "c7g.huge"])).toEqual({
    exitCode: 2,
    stdout: "",
    stderr:
      'kimtest: there is no price for instance type "c7g.huge"\n' +
      "  known: t4g.small, t4g.medium, c7g.medium, c7g.large, c7g.xlarge, c7g.2xlarge, c7g.4xlarge, c7i.large, c7i.xlarge, c7i.2xlarge\n",
  });
});
