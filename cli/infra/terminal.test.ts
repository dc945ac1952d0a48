/**
 * What only real processes show: Pulumi on a terminal (util-linux `script` lends one), and what a signal does to it.
 *
 * The stand-in notes each signal that reaches it, and takes a moment to end in order, as Pulumi does.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { shellQuoted } from "../../runner/tools/shell.ts";
import { motoOfFile } from "../../test/aws/moto-hooks.ts";
import { until } from "../../test/until.ts";
import { Checkout, GOOD, OUTPUTS } from "./checkout.fixture.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
/** Only what hangs reaches it. */
const LIMIT_MS = 90_000;
const SIGINT_ONCE = [{ signal: "SIGINT" }, { ended: "in order" }];

motoOfFile({ buckets: [OUTPUTS.s3_bucket] });

const options = { reject: false, timeout: LIMIT_MS, stripFinalNewline: false } as const;
const argv = (...args: string[]): string[] => ["--disable-warning=ExperimentalWarning", MAIN, ...args];

const SLOW = [{ when: "up", stdout: "Updating (dev):\n", sleepMs: 80_000 }, ...GOOD];

const untilPulumiRuns = (checkout: Checkout, verb: string): Promise<void> =>
  until(`pulumi ${verb} is called`, () => checkout.changes().some((line) => line.startsWith(verb)));

const signalsOf = (checkout: Checkout): unknown[] =>
  checkout.notes().filter((note) => !Object.hasOwn(note as object, "args"));

/** In `script`: a pseudo-terminal of its own, whose keyboard is our pipe. */
function onTerminal(...args: string[]) {
  const line = [process.execPath, ...argv(...args)].map(shellQuoted).join(" ");
  return execa("script", ["--quiet", "--return", "--command", line, "/dev/null"], { ...options, all: true });
}

describe("without a terminal", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s: pulumi gets one SIGINT and ends in order; exit code 130",
    async (signal) => {
      const checkout = new Checkout(SLOW);
      const child = execa(process.execPath, argv("deploy-infra", "--yes"), options);
      await untilPulumiRuns(checkout, "up");
      child.kill(signal);
      const { exitCode, stdout, stderr } = await child;
      expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "" });
      expect(stderr).toBe(
        "Updating (dev):\nstopping; pulumi finishes what it has begun\n" +
          "^C received; cancelling. If you would like to terminate immediately, press ^C again.\n" +
          "kimtest: pulumi up was interrupted\n" +
          "  the same command goes on from there; if the stack is locked: pulumi cancel --stack dev\n",
      );
      expect(signalsOf(checkout)).toEqual(SIGINT_ONCE);
    },
  );
});

describe("on a terminal", () => {
  test("Ctrl-C: pulumi gets one SIGINT, from the terminal", async () => {
    const checkout = new Checkout(SLOW);
    const child = onTerminal("deploy-infra");
    await untilPulumiRuns(checkout, "up");
    child.stdin.write("\u0003");
    const { exitCode } = await child;
    expect(exitCode).toBe(130);
    expect(signalsOf(checkout)).toEqual(SIGINT_ONCE);
    expect(checkout.changes()).toEqual(["up --stack dev"]); // Pulumi asks itself
  });

  test("infra-destroy asks for the name", async () => {
    const checkout = new Checkout();
    const child = onTerminal("infra-destroy");
    child.stdin.write("dev\n");
    const { exitCode, all } = await child;
    expect(all).toContain("type dev to destroy it: ");
    expect(all).toContain("stack dev is destroyed, no instance and no spot request is left");
    expect(exitCode).toBe(0);
    expect(checkout.changes()).toEqual(["destroy --yes --stack dev"]);
  });

  test.each([
    ["Ctrl-C", "\u0003", 130, "kimtest: interrupted; nothing was done"],
    ["Ctrl-D", "\u0004", 2, 'kimtest: stack dev was not destroyed: "" is not its name'],
  ])("%s at the question destroys nothing", async (_, key, code, message) => {
    const checkout = new Checkout();
    const child = onTerminal("infra-destroy");
    let shown = "";
    child.all.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    await until("it asks", () => shown.includes("type dev to destroy it: "));
    child.stdin.write(key);
    const { exitCode, all } = await child;
    expect(all).toContain(message);
    expect(exitCode).toBe(code);
    expect(checkout.changes()).toEqual([]);
  });
});
