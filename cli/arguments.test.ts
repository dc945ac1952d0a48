/** What argv becomes, and what is said about argv that becomes nothing. What commands do is tested beside them. */
import { describe, expect, test } from "@jest/globals";
import { fakeDeps, kimtest } from "./fake-deps.fixture.ts";
import { buildProgram } from "./program.ts";

/** The options and arguments with which a command's action would be called. */
async function parsed(...argv: string[]): Promise<{ command: string; args: string[]; options: object }> {
  const program = buildProgram(fakeDeps().deps);
  let seen: { command: string; args: string[]; options: object } | undefined;
  for (const command of program.commands) {
    command.action(() => {
      seen = { command: command.name(), args: command.args, options: command.opts() };
    });
  }
  await program.parseAsync(argv, { from: "user" });
  return seen!;
}

describe("argv", () => {
  const store = ".kimtest/store";
  const table: [string, object][] = [
    ["cycle", { options: { store, profile: "embedded" } }],
    [
      "cycle --duration 1.5h --workers 4 --state s --profile p.json --store s3://b/p --json",
      {
        options: { duration: 5_400_000, workers: 4, state: "s", profile: "p.json", store: "s3://b/p", json: true },
      },
    ],
    ["infra-status", { options: {} }],
    [
      "infra-status --json --store x --stack dev --region eu-west-1 --profile p",
      { options: { store: "x", json: true, stack: "dev", region: "eu-west-1", profile: "p" } },
    ],
    ["infra-status --watch", { options: { watch: 30 } }],
    [
      "infra-status --watch 5 --utc --fields cycle,alarms",
      { options: { watch: 5, utc: true, fields: "cycle,alarms" } },
    ],
    ["infra-digest", { options: {} }],
    [
      "cycle --profile kimberlite --repo ../k --branch v1 --only fuzz,vopr",
      { options: { profile: "kimberlite", repo: "../k", branch: "v1", only: ["fuzz", "vopr"] } },
    ],
    ["infra-digest --fields verdict --utc", { options: { fields: "verdict", utc: true } }],
    ["infra-digest --json --store=x", { options: { store: "x", json: true } }],
    ["list-failures", { options: { limit: 50, index: true } }],
    [
      "list-failures --by-finding --finding a:b --since 2d --no-index --utc --fields key",
      { options: { utc: true, fields: "key", byFinding: true, finding: "a:b", since: "2d", index: false } },
    ],
    [
      "list-failures --kind fuzz --limit 7 --json --store x",
      { options: { store: "x", kind: "fuzz", limit: 7, json: true } },
    ],
    ["fetch-failure a/b", { args: ["a/b"], options: { to: ".artifacts/aws-failures" } }],
    [
      "fetch-failure --to here --json --store x k l --force --extract --restore --wait 12h",
      {
        args: ["k", "l"],
        options: { store: "x", to: "here", json: true, force: true, extract: true, restore: true, wait: 43_200_000 },
      },
    ],
    ["vopr-repro f.json --json --store x", { args: ["f.json"], options: { store: "x", json: true } }],
    ["canaries", { options: { profile: "embedded", deadline: 300_000, only: [] } }],
    [
      "canaries --only a --only b --profile p.json --workers 3 --deadline 10s --json",
      { options: { only: ["a", "b"], profile: "p.json", workers: 3, deadline: 10_000, json: true } },
    ],
    ["vopr", { args: [], options: {} }],
    [
      "vopr --scenario combined -n 5 -v --json --help --store x",
      { args: ["--scenario", "combined", "-n", "5", "-v", "--json", "--help", "--store", "x"], options: {} },
    ],
    ["vopr scenarios --json", { args: ["scenarios", "--json"], options: {} }],
    ["infra-bench --json --store x", { options: { store: "x", json: true } }],
    ["bench-baseline --stack dev", { options: { stack: "dev" } }],
    ["bench-baseline --accept a/b c --store x", { options: { store: "x", accept: ["a/b", "c"] } }],
    ["bench-baseline --all --json", { options: { all: true, json: true } }],
    ["deploy-infra", { options: { stack: "dev" } }],
    [
      "deploy-infra --stack acme/prod --preview --create --yes --region eu-west-1 --profile p --json",
      {
        options: {
          stack: "acme/prod",
          preview: true,
          create: true,
          yes: true,
          region: "eu-west-1",
          profile: "p",
          json: true,
        },
      },
    ],
    ["infra-destroy", { options: { stack: "dev" } }],
    [
      "infra-destroy --stack prod --yes --delete-data --profile p",
      { options: { stack: "prod", yes: true, deleteData: true, profile: "p" } },
    ],
    ["infra-stop", { options: {} }],
    [
      "infra-start --stack prod --region eu-west-1 --profile p --json",
      { options: { stack: "prod", region: "eu-west-1", profile: "p", json: true } },
    ],
    ["infra-ssh --forward 8080:80", { options: { forward: { localPort: 8080, remotePort: 80 } } }],
    ["infra-ssh --command uptime", { options: { command: "uptime" } }],
    ["infra-logs", { options: { since: "10m", follow: true } }],
    [
      "infra-logs --since 2d --no-follow --filter x --phase vopr --stream runner --json",
      { options: { since: "2d", follow: false, filter: "x", phase: "vopr", stream: "runner", json: true } },
    ],
    ["infra-restart --stack acme/dev", { options: { stack: "acme/dev" } }],
    ["infra-cost", { options: { instanceType: "c7g.xlarge", purchase: "spot", volumeSize: 60 } }],
    [
      "infra-cost --instance-type t4g.small --purchase on-demand --volume-size 30 --json",
      { options: { instanceType: "t4g.small", purchase: "on-demand", volumeSize: 30, json: true } },
    ],
    ["vopr -s 1 run -n 2", { args: ["-s", "1", "run", "-n", "2"], options: {} }],
  ];
  test.each(table)("%s", async (line, expected) => {
    const argv = line.split(" ");
    expect(await parsed(...argv)).toMatchObject({ command: argv[0], ...expected });
  });
});

describe("argv that is wrong: exit code 2, nothing on stdout, what is wrong and what next on stderr", () => {
  const table: [string, string][] = [
    ["list-failurs", "error: unknown command 'list-failurs'\n(Did you mean list-failures?)\n"],
    ["--no-such", "error: unknown option '--no-such'\n"],
    ["infra-status --jsn", "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
    ["infra-status x", "error: too many arguments for 'infra-status'. Expected 0 arguments but got 1: x.\n"],
    ["fetch-failure", "error: missing required argument 'failure'\n"],
    ["fetch-failure x --wait 1d", 'kimtest: --wait is "1d", but must be 1s to 336h\n'],
    ["list-failures --since 2w", 'kimtest: --since is "2w", which is no time in the past\n'],
    ["vopr-repro", "error: missing required argument 'file'\n"],
    ["infra-digest --store", "error: option '--store <location>' argument missing\n"],
    [
      "list-failures --kind tla",
      "error: option '--kind <kind>' argument 'tla' is invalid. Allowed choices are vopr, fuzz.\n",
    ],
    ["list-failures --limit 0", 'kimtest: --limit is "0", but must be a whole number from 1 to 999999\n'],
    ["list-failures --limit 1e3", 'kimtest: --limit is "1e3", but must be a whole number from 1 to 999999\n'],
    ["list-failures --limit -1", 'kimtest: --limit is "-1", but must be a whole number from 1 to 999999\n'],
    ["bench-baseline --accept", "error: option '--accept <benchmarks...>' argument missing\n"],
    [
      "bench-baseline --accept a --all",
      "error: option '--accept <benchmarks...>' cannot be used with option '--all'\n",
    ],
    ["cycle --workers 0", 'kimtest: --workers is "0", but must be a whole number from 1 to 1024\n'],
    ["cycle --workers 1025", 'kimtest: --workers is "1025", but must be a whole number from 1 to 1024\n'],
    ["cycle --duration 90", 'kimtest: --duration is "90", but must be 1s to 336h\n  for example 90s, 30m or 48h\n'],
    ["canaries --deadline 0s", 'kimtest: --deadline is "0s", but must be 1s to 336h\n  for example 90s, 30m or 48h\n'],
    ["canaries --only", "error: option '--only <name>' argument missing\n"],
    ["canaries --profile nope", 'kimtest: there is no profile "nope"\n'],
    [
      "cycle --only fuz,vopr",
      'kimtest: --only is "fuz,vopr", but there is no workload "fuz"\n  use one or more of formal-verification,benchmarks,fuzz,vopr\n',
    ],
    ["cycle --repo x", "kimtest: --repo: the profile embedded tests a work tree, not a repository\n"],
    ["cycle --branch x", "kimtest: --branch: the profile embedded tests a work tree, not a repository\n"],
    [
      "cycle --profile kimberlite --branch a..b!",
      "kimtest: --branch: reference must be a branch, a tag or a commit hash\n",
    ],
    ["profile", "Usage: kimtest profile"],
    ["profile show", "error: missing required argument 'profile'\n"],
    ["profile show nope", 'kimtest: there is no profile "nope"\n  use embedded, kimberlite, or the path'],
    ["profile show embedded --json --yaml", "error: option '--yaml' cannot be used with option '--json'\n"],
    ["profile chek x", "error: unknown command 'chek'\n(Did you mean check?)\n"],
    ["cycle --profile nope", 'kimtest: there is no profile "nope"\n'],
    ["infra-status --store ftp://x", 'kimtest: store "ftp://x" is neither s3:// nor a folder\n'],
    [
      "infra-cost --purchase reserved",
      "error: option '--purchase <how>' argument 'reserved' is invalid. Allowed choices are spot, on-demand.\n",
    ],
    ["infra-cost --volume-size 29", 'kimtest: --volume-size is "29", but must be a whole number from 30 to 1000\n'],
    ["infra-cost --volume-size 1e2", 'kimtest: --volume-size is "1e2", but must be a whole number from 30 to 1000\n'],
    ["infra-destroy --delete", "error: unknown option '--delete'\n"],
    ["infra-destroy --stack Prod --yes", 'kimtest: --stack is "Prod", which cannot be a stack\n'],
    ["infra-destroy --stack --yes", 'kimtest: --stack is "--yes", which cannot be a stack\n'],
    ["deploy-infra --stack a/b/c/d --yes", 'kimtest: --stack is "a/b/c/d", which cannot be a stack\n'],
    ["infra-stop --stack Prod", 'kimtest: --stack is "Prod", which cannot be a stack\n'],
    ["infra-logs --since 2w", 'kimtest: --since is "2w", which is no time in the past\n'],
    [
      "infra-logs --phase lunch",
      "error: option '--phase <phase>' argument 'lunch' is invalid. Allowed choices are prepare, formal-verification, benchmarks, fuzz, vopr, digest.\n",
    ],
    ["infra-ssh --forward 80", 'kimtest: --forward is "80", but must be two ports from 1 to 65535\n'],
    [
      "infra-ssh --command x --forward 1:2",
      "error: option '--forward <local:remote>' cannot be used with option '--command <line>'\n",
    ],
    ["infra-digest --stack Prod", 'kimtest: --stack is "Prod", which cannot be a stack\n'],
    ["infra-start --region mars", 'kimtest: "mars" is not an AWS region\n'],
    ["infra-status --watch 1", 'kimtest: --watch is "1", but must be a whole number of seconds from 2 to 3600\n'],
    ["infra-status --watch 2s", 'kimtest: --watch is "2s", but must be a whole number of seconds from 2 to 3600\n'],
    ["infra-digest --fields nope", 'kimtest: --fields names "nope", which is no field\n'],
    ["infra-status --store s3://", 'kimtest: store "s3://" names no bucket\n'],
  ];
  test.each(table)("%s", async (line, message) => {
    const ran = await kimtest(line.split(" "));
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr.slice(0, message.length)).toBe(message);
    if (message.startsWith("error")) expect(ran.stderr).toMatch(/\(add --help for what there is\)\n$/);
  });

  test("no command at all: the help, on stderr", async () => {
    const ran = await kimtest([]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^Usage: kimtest /);
  });
});
