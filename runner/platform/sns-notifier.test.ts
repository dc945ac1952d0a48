/** What becomes of a message's parts: pure. Sending: the real SDK against moto behind a proxy that can fail. */
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { startMoto, type Moto } from "../../test/aws/moto.ts";
import { startProxy, type Proxy } from "../../test/aws/proxy.ts";
import { until } from "../../test/until.ts";
import { cutBody, snsNotifier, subjectLine } from "./sns-notifier.ts";

let moto: Moto;
let proxy: Proxy;
let topic: string;
beforeAll(async () => {
  moto = await startMoto();
  proxy = await startProxy(moto.port);
  const sns = new SNSClient({});
  topic = (await sns.send(new CreateTopicCommand({ Name: "alerts" }))).TopicArn ?? "";
  sns.destroy();
  process.env["AWS_ENDPOINT_URL_SNS"] = proxy.endpoint;
}, 330_000);
afterAll(async () => {
  Reflect.deleteProperty(process.env, "AWS_ENDPOINT_URL_SNS");
  await proxy.stop();
  await moto.stop();
});

const open = (arn = topic) =>
  snsNotifier({ topic: arn, region: "us-east-1", whole: "s3://results/digests/latest.json" });
async function sent(): Promise<unknown[]> {
  const data = (await (await fetch(`${moto.endpoint}/moto-api/data.json`)).json()) as {
    sns: { Topic: { sent_notifications: unknown[][] }[] };
  };
  return (data.sns.Topic[0]?.sent_notifications ?? []).map(([, message, subject]) => [subject, message]);
}

test("handed over as it is; refused or unreachable is a rejection, and nothing was sent", async () => {
  const notifier = open();
  await notifier.notify({ kind: "digest", subject: "kimtest cycle 1: passed", body: "grün\nline" });
  expect(await sent()).toEqual([["kimtest cycle 1: passed", "grün\nline"]]);
  proxy.set("refuse");
  await expect(notifier.notify({ kind: "digest", subject: "s", body: "b" })).rejects.toMatchObject({
    code: "CLOUD_FAILED",
    message: expect.stringMatching(/^SNS did not take the digest: /),
  });
  proxy.set("pass");
  const nowhere = open(`${topic}-missing`);
  await expect(nowhere.notify({ kind: "critical", subject: "s", body: "b" })).rejects.toThrow(
    "did not take the critical",
  );
  expect(await sent()).toHaveLength(1);
  nowhere.close();
  notifier.close();
}, 60_000);

test("a stop ends an attempt that hangs", async () => {
  const notifier = open();
  proxy.set("hang");
  const stop = new AbortController();
  const before = proxy.connections;
  const attempt = notifier.notify({ kind: "digest", subject: "s", body: "b" }, stop.signal);
  const refused = expect(attempt).rejects.toMatchObject({
    code: "CLOUD_FAILED",
    message: expect.stringMatching(/: (stopped while asking SNS|Request aborted)$/), // no time ran out
  });
  await until("it is asked", () => proxy.connections > before);
  stop.abort();
  await refused;
  proxy.set("pass");
  notifier.close();
});

test("any subject becomes one that SNS takes", () => {
  expect(subjectLine("kimtest cycle 7: failed")).toBe("kimtest cycle 7: failed");
  expect(subjectLine(" Ü\r\nber\x07 ")).toBe("? ber?");
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      expect(subjectLine(text)).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
    }),
  );
});

test("a body that is too large is cut between characters, and says where the whole is", () => {
  expect(cutBody("short", "there")).toBe("short");
  for (const shift of ["", "x", "xy", "xyz"]) {
    const cut = cutBody(shift + "€".repeat(100_000), "s3://b/k");
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(250_000);
    expect(Buffer.byteLength(cut)).toBeGreaterThan(249_990);
    expect(cut).not.toContain("\ufffd");
    expect(cut.endsWith("€\n\n[cut here: the whole is in s3://b/k]\n")).toBe(true);
  }
});
