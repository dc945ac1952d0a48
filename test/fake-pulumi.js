#!/usr/bin/env node
/**
 * A stand-in for the Pulumi CLI: the real one is a download that tests have no network for.
 *
 * It does what PULUMI_STAND_IN (a folder) says: `answers.json` holds a list of {"when": "config --json", stdout,
 * stderr, code, sleepMs, write, fetch}; the first whose words are all among the arguments answers. Each call is
 * noted in `calls.jsonl`, and each signal, with what happened to it. Texts are those of the real CLI.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const folder = process.env["PULUMI_STAND_IN"];
const args = process.argv.slice(2);
const note = (what) => {
  appendFileSync(join(folder, "calls.jsonl"), `${JSON.stringify(what)}\n`);
};
const answers = JSON.parse(readFileSync(join(folder, "answers.json"), "utf8"));
const answer = answers.find(({ when }) => when.split(" ").every((word) => args.includes(word)));
const { AWS_PROFILE: profile } = process.env;
const noteCall = () => note(profile === undefined ? { args } : { args, profile });
if (answer === undefined) {
  noteCall();
  process.stderr.write(`error: unknown command "${args.join(" ")}"\n`);
  process.exit(255);
}

/** As the real one: the first signal ends the update in order. */
process.on("SIGINT", () => {
  note({ signal: "SIGINT" });
  process.stderr.write("^C received; cancelling. If you would like to terminate immediately, press ^C again.\n");
  setTimeout(() => {
    note({ ended: "in order" });
    process.exit(255);
  }, 300);
});

process.stdout.write(answer.stdout ?? "");
process.stderr.write(answer.stderr ?? "");
// Whoever reads of the call may send a signal: it is listened for, and what was said before it has been said.
noteCall();
for (const [from, to] of Object.entries(answer.rename ?? {})) {
  // From now on another answer: the stack exists after `stack init`.
  writeFileSync(
    join(folder, "answers.json"),
    JSON.stringify(answers.map((one) => (one.when === from ? { ...one, ...to } : one))),
  );
}
// The emulator reads of the signature only whose service it is.
const authorization =
  "AWS4-HMAC-SHA256 Credential=a/20261121/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=b";
for (const body of answer.fetch ?? []) {
  const request = { method: "POST", headers: { authorization }, body: new URLSearchParams(body) };
  const response = await fetch(process.env["AWS_ENDPOINT_URL"], request);
  if (!response.ok) throw new Error(await response.text());
}
await delay(answer.sleepMs ?? 0);
process.exitCode = answer.code ?? 0;
