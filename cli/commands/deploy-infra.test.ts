/**
 * deploy-infra against a real AWS emulator, with a stand-in for the Pulumi CLI (test/fake-pulumi.js).
 *
 * One thing is mocked: a subscription that waits for its confirmation. The emulator confirms every one at once.
 */
import { join } from "node:path";
import { CreateTopicCommand, ListSubscriptionsByTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { mockClient } from "aws-sdk-client-mock";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { kimtest } from "../fake-deps.fixture.ts";
import { Checkout, EMAIL, GOOD, NO_STACK, OUTPUTS, type StandInAnswer } from "../infra/checkout.fixture.ts";

motoOfFile();
let topic: string;
beforeAll(async () => {
  const client = new SNSClient({});
  topic = (await client.send(new CreateTopicCommand({ Name: "kimtest-dev-alerts" }))).TopicArn ?? "";
  client.destroy();
  expect(topic).toBe(OUTPUTS.sns_topic);
});

const YES = ["deploy-infra", "--yes"];
const SETTINGS = "the node on PATH, with which Pulumi runs the program, ";
const SUBSCRIBE = `aws sns subscribe --region us-east-1 --topic-arn ${OUTPUTS.sns_topic} --protocol email --notification-endpoint ${EMAIL}`;
const SET_EMAIL = "pulumi config set alertEmail YOU@YOUR.DOMAIN --stack dev";
const INSTALL = "brew install pulumi/tap/pulumi, npm install --global pulumi, or https://www.pulumi.com/docs/install/";

const rows = (email: string): string =>
  [
    `instance_id     ${OUTPUTS.instance_id}\n`,
    `s3_bucket       ${OUTPUTS.s3_bucket}\n`,
    `sns_topic       ${OUTPUTS.sns_topic}\n`,
    `log_group       ${OUTPUTS.log_group}\n`,
    `region          ${OUTPUTS.region}\n`,
    `dashboard_url   ${OUTPUTS.dashboard_url}\n`,
    `stack_parameter ${OUTPUTS.stack_parameter}\n`,
    `email           ${email}\n`,
  ].join("");
const next = (...confirm: string[]): string =>
  [
    "next:",
    ...confirm,
    "  watch it: npx kimtest infra-logs --stack dev --region us-east-1",
    `  see results: AWS_REGION=us-east-1 npx kimtest infra-status --store s3://${OUTPUTS.s3_bucket}`,
    "",
  ].join("\n");
const UP = "Updating (dev):\nResources:\n    + 31 created\n";

/** The good answers with some of them in front. */
const but = (...answers: StandInAnswer[]): StandInAnswer[] => [...answers, ...GOOD];

describe("what is missing is said at once, and nothing is done", () => {
  interface Case {
    readonly name: string;
    readonly prepare: (checkout: Checkout) => void;
    readonly missing: readonly [string, string][];
  }
  const cases: Case[] = [
    {
      name: "Pulumi",
      prepare: (checkout) => {
        checkout.removeProgram("pulumi");
        checkout.onlyPrograms();
      },
      missing: [["the Pulumi CLI does not run: there is no pulumi on PATH", INSTALL]],
    },
    {
      name: "a newer Pulumi",
      prepare: (checkout) => {
        checkout.answer(but({ when: "version", stdout: "v3.199.0\n" }));
      },
      missing: [["the Pulumi CLI is v3.199.0, but must be 3.200.0 or later", INSTALL]],
    },
    {
      name: "a login",
      prepare: (checkout) => {
        const stderr = "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions\n";
        checkout.answer(but({ when: "whoami", stderr, code: 255 }));
      },
      missing: [
        [
          "Pulumi has no place to keep the stack's state: error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
          "pulumi login (Pulumi Cloud), pulumi login s3://BUCKET, or pulumi login --local",
        ],
      ],
    },
    {
      name: "the stack",
      prepare: (checkout) => {
        checkout.answer(but(NO_STACK));
      },
      missing: [
        ["there is no stack dev", `pulumi stack init dev (or the same command with --create), then ${SET_EMAIL}`],
      ],
    },
    {
      name: "settings that can be read",
      prepare: (checkout) => {
        checkout.answer(but({ when: "config --json", stderr: "error: Pulumi.dev.yaml: bad YAML\n", code: 1 }));
      },
      missing: [["Pulumi cannot read stack dev: error: Pulumi.dev.yaml: bad YAML", "pulumi config --stack dev"]],
    },
    {
      name: "settings that are settings",
      prepare: (checkout) => {
        checkout.answer(but({ when: "config --json", stdout: "warning: x" }));
      },
      missing: [
        [
          "Pulumi cannot read stack dev: `pulumi config --json` printed something else than settings",
          "pulumi config --stack dev",
        ],
      ],
    },
    {
      name: "an e-mail address",
      prepare: (checkout) => {
        checkout.answer(but({ when: "config --json", stdout: '{"kimtest:alertEmail":{"value":"","secret":false}}' }));
      },
      missing: [["alertEmail, who gets digests and alarms, is not set", SET_EMAIL]],
    },
    {
      name: "an e-mail address of somebody",
      prepare: (checkout) => {
        checkout.answer(but({ when: "config --json", stdout: '{"kimtest:alertEmail":{"value":"you@example.com"}}' }));
      },
      missing: [["alertEmail is you@example.com, which reaches nobody", SET_EMAIL]],
    },
    {
      name: "Node.js",
      prepare: (checkout) => {
        checkout.write("package.json", '{ "engines": { "node": ">=99.1" } }');
      },
      missing: [
        [
          `${SETTINGS}is ${process.version}`,
          "it must be 99.1 or later; with `npx just deploy-infra` it is the one that npm ci installed",
        ],
      ],
    },
    {
      name: "packages",
      prepare: (checkout) => {
        checkout.remove("node_modules/@pulumi/aws");
      },
      missing: [["the packages of the Pulumi program", "npm ci"]],
    },
    {
      name: "AWS credentials",
      prepare: (checkout) => {
        for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) checkout.env(name, undefined);
      },
      missing: [
        [
          "AWS does not know who we are: CredentialsProviderError: Could not load credentials from any providers",
          "sign in: aws sso login; or choose other credentials: AWS_PROFILE, or keys in the environment",
        ],
      ],
    },
    {
      name: "a passphrase",
      prepare: (checkout) => {
        checkout.write("Pulumi.dev.yaml", "encryptionsalt: v1:abc=\nconfig: {}\n");
      },
      missing: [
        [
          "the passphrase of stack dev",
          "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it",
        ],
      ],
    },
  ];

  const message = (missing: readonly [string, string][]): string =>
    [
      `kimtest: stack dev cannot be deployed: ${missing.length === 1 ? "one thing is" : `${String(missing.length)} things are`} missing`,
      ...missing.map(([what, remedy]) => `  - ${what}\n      ${remedy}`),
      "",
    ].join("\n");

  test.each(cases)("$name", async ({ prepare, missing }) => {
    const checkout = new Checkout();
    prepare(checkout);
    expect(await kimtest(YES)).toEqual({ exitCode: 2, stdout: "", stderr: message(missing) });
    expect(checkout.changes()).toEqual([]);
  });

  test("several at once", async () => {
    const checkout = new Checkout(but({ when: "config --json", stdout: "{}" }));
    checkout.remove("node_modules/@pulumi/pulumi");
    checkout.env("AWS_ACCESS_KEY_ID", undefined);
    const ran = await kimtest(YES);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr.match(/^( {2}- .{20}|kimtest: .*)/gm)).toEqual([
      "kimtest: stack dev cannot be deployed: 3 things are missing",
      "  - the packages of the ",
      "  - AWS does not know wh",
      "  - alertEmail, who gets",
    ]);
  });

  test("nobody to ask and no --yes", async () => {
    const checkout = new Checkout();
    expect(await kimtest(["deploy-infra"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "kimtest: nobody can be asked here whether to deploy\n  add --yes, or look first with --preview\n",
    });
    expect(checkout.notes()).toEqual([]);
  });
});

describe("deployed", () => {
  test("the subscription is missing", async () => {
    const checkout = new Checkout();
    expect(await kimtest(YES)).toEqual({
      exitCode: 0,
      stdout: rows(`${EMAIL} (NOT SUBSCRIBED: nothing is delivered)`),
      stderr: UP + next(`  subscribe: ${SUBSCRIBE}`),
    });
    expect(checkout.changes()).toEqual(["up --stack dev --yes --non-interactive"]);
  });

  test("the subscription is pending", async () => {
    new Checkout();
    const client = mockClient(SNSClient);
    try {
      client.on(ListSubscriptionsByTopicCommand).resolves({
        Subscriptions: [{ Protocol: "email", Endpoint: EMAIL, SubscriptionArn: "PendingConfirmation" }],
      });
      expect(await kimtest(YES)).toEqual({
        exitCode: 0,
        stdout: rows(`${EMAIL} (NOT CONFIRMED: nothing is delivered)`),
        stderr:
          UP +
          next(
            `  confirm the e-mail: open the link that AWS Notifications sent to ${EMAIL} (look in spam, too)`,
            `  no mail? ${SUBSCRIBE}`,
          ),
      });
    } finally {
      client.restore();
    }
  });

  test("the subscription is confirmed, on the second page of a long list; as JSON", async () => {
    new Checkout();
    const client = new SNSClient({});
    const subscribe = (email: string) =>
      client.send(new SubscribeCommand({ TopicArn: topic, Protocol: "email", Endpoint: email }));
    for (let index = 0; index < 105; index += 1) await subscribe(`other-${String(index)}@kimberlite.dev`);
    await subscribe(EMAIL.toUpperCase());
    const firstPage = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn: topic }));
    client.destroy();
    expect(firstPage.NextToken).toBeDefined();
    const ran = await kimtest([...YES, "--json"]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: UP + next() });
    expect(JSON.parse(ran.stdout)).toEqual({
      stack: "dev",
      ...OUTPUTS,
      email: { address: EMAIL, subscription: "confirmed" },
    });
  });

  test("SNS cannot be asked: the outputs are shown, exit code 5", async () => {
    new Checkout(
      but({ when: "output --json", stdout: JSON.stringify({ ...OUTPUTS, sns_topic: "arn:aws:sns:us-east-1:1:no" }) }),
    );
    const ran = await kimtest(YES);
    expect(ran.exitCode).toBe(5);
    expect(ran.stdout).toContain(`email           ${EMAIL} (subscription unknown)\n`);
    expect(ran.stderr).toMatch(/^cannot list the subscriptions of arn:aws:sns:us-east-1:1:no: NotFound/m);
  });
});

describe("Pulumi", () => {
  test("fails: its own words and exit code, ours is 5, and nothing is said to be deployed", async () => {
    new Checkout(but({ when: "up", stdout: "Updating (dev):\n", stderr: "error: no capacity\n", code: 255 }));
    expect(await kimtest(YES)).toEqual({
      exitCode: 5,
      stdout: "",
      stderr:
        "Updating (dev):\nerror: no capacity\n" +
        "kimtest: pulumi up ended with exit code 255\n  its last lines above say why; the same command goes on from there\n",
    });
  });

  test("outputs that are not ours: exit code 6, which are wrong", async () => {
    new Checkout(
      but({ when: "output --json", stdout: JSON.stringify({ ...OUTPUTS, region: "", log_group: undefined }) }),
    );
    expect(await kimtest(YES)).toMatchObject({
      exitCode: 6,
      stdout: "",
      stderr: `${UP}kimtest: the outputs of stack dev are not as expected: log_group, region\n  they are of another version, or the stack's first deployment was cut short; deploy it again\n`,
    });
  });

  test("--preview changes nothing and asks for no consent", async () => {
    const checkout = new Checkout();
    expect(await kimtest(["deploy-infra", "--preview"])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "Previewing update (dev):\n",
    });
    expect(checkout.changes()).toEqual(["preview --stack dev --non-interactive"]);
  });

  test("--profile is the credentials of Pulumi and ours", async () => {
    const checkout = new Checkout();
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) checkout.env(name, undefined);
    const argv = ["deploy-infra", "--preview", "--profile", "work"];
    expect(await kimtest(argv)).toMatchObject({ exitCode: 2, stdout: "" });
    checkout.write("credentials", "[work]\naws_access_key_id = a\naws_secret_access_key = b\n");
    checkout.env("AWS_SHARED_CREDENTIALS_FILE", join(checkout.folder, "credentials"));
    expect(await kimtest(argv)).toMatchObject({ exitCode: 0 });
    expect(checkout.notes().at(-1)).toEqual({
      args: ["preview", "--stack", "dev", "--non-interactive"],
      profile: "work",
    });
  });

  test("another stack of an organisation", async () => {
    const checkout = new Checkout();
    expect(await kimtest([...YES, "--stack", "acme/prod"])).toMatchObject({ exitCode: 0 });
    expect(checkout.changes()).toEqual(["up --stack acme/prod --yes --non-interactive"]);
  });

  test("--create makes the stack, and still wants its settings", async () => {
    const made = GOOD.find(({ when }) => when === "config --json")!;
    const init: StandInAnswer = { when: "stack init", rename: { "config --json": { ...made, stderr: "", code: 0 } } };
    const checkout = new Checkout(but(NO_STACK, init));
    expect(await kimtest([...YES, "--create"])).toMatchObject({ exitCode: 0 });
    expect(checkout.changes()).toEqual([
      "stack init dev --no-select --non-interactive",
      "up --stack dev --yes --non-interactive",
    ]);
  });
});

describe("--region", () => {
  const REGION = ["--region", "eu-west-1"];

  test("of a stack that is not deployed is set", async () => {
    const deployed: StandInAnswer = { when: "output --json", stdout: "{}" };
    const checkout = new Checkout(
      but(deployed, {
        when: "up",
        rename: { "output --json": { stdout: JSON.stringify({ ...OUTPUTS, region: "eu-west-1" }) } },
      }),
    );
    await kimtest([...YES, ...REGION]);
    expect(checkout.changes()).toEqual([
      "config set region eu-west-1 --stack dev --non-interactive",
      "up --stack dev --yes --non-interactive",
    ]);
  });

  test("of a deployed stack is refused", async () => {
    const checkout = new Checkout();
    expect(await kimtest([...YES, ...REGION])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "kimtest: stack dev is deployed in us-east-1 and cannot move to eu-west-1\n" +
        "  deploy another stack there (--stack NAME --create), or destroy this one first\n",
    });
    expect(checkout.changes()).toEqual([]);
  });

  test("is not for a preview", async () => {
    new Checkout();
    expect(await kimtest(["deploy-infra", "--preview", ...REGION])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "kimtest: --region changes the stack's settings, and --preview changes nothing\n" +
        "  set it first: pulumi config set region eu-west-1 --stack dev\n",
    });
  });
});
