/**
 * Notices as messages to an SNS topic, which mails them.
 *
 * A message may arrive twice: when an answer is lost, nobody can know whether it was taken. It is never
 * reported as sent when it was not.
 */
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { KimtestError, reasonOf } from "../../contracts/errors.ts";
import { requestLimits } from "./aws-limits.ts";
import { limited } from "./limited.ts";
import type { Notice, Notifier } from "./notifier.ts";

/** SNS: fewer than 100 characters of ASCII, none of them a control character. */
const MAX_SUBJECT_LENGTH = 99;
/** SNS: 256 KiB for everything in a message. */
const MAX_BODY_BYTES = 250_000;
const REQUEST_TIMEOUT_MS = 8_000;
const MAX_ATTEMPTS = 3;
/** For all attempts and the pauses between them. */
const LIMIT_MS = 30_000;

export interface SnsNotifierOptions {
  readonly topic: string;
  readonly region: string;
  /** Where a message that had to be cut can be read as a whole. */
  readonly whole: string;
}

export function snsNotifier({ topic, region, whole }: SnsNotifierOptions): Notifier & { close(): void } {
  const client = new SNSClient({
    region,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: requestLimits(REQUEST_TIMEOUT_MS),
  });
  return {
    async notify(notice: Notice, signal?: AbortSignal): Promise<void> {
      const stop = signal ?? new AbortController().signal;
      const abortSignal = AbortSignal.any([AbortSignal.timeout(LIMIT_MS), stop]);
      const message = { Subject: subjectLine(notice.subject), Message: cutBody(notice.body, whole) };
      const publish = new PublishCommand({ TopicArn: topic, ...message });
      try {
        // Limited as well: the SDK looks at no signal while it looks for credentials.
        await limited(client.send(publish, { abortSignal }), "asking SNS", LIMIT_MS, stop);
      } catch (error) {
        throw new KimtestError("CLOUD_FAILED", `SNS did not take the ${notice.kind}: ${reasonOf(error)}`, {
          hint: `check the topic ${topic} and the permission sns:Publish on it`,
          cause: error,
        });
      }
    },
    close() {
      client.destroy();
    },
  };
}

export function subjectLine(text: string): string {
  const line = text
    .replace(/\s+/g, " ")
    .replace(/[^\x20-\x7e]/gu, "?")
    .trim();
  if (line === "") return "kimtest";
  return line.length <= MAX_SUBJECT_LENGTH ? line : `${line.slice(0, MAX_SUBJECT_LENGTH - 3)}...`;
}

export function cutBody(body: string, whole: string): string {
  if (Buffer.byteLength(body) <= MAX_BODY_BYTES) return body === "" ? "(empty)" : body;
  const note = `\n\n[cut here: the whole is in ${whole}]\n`;
  const bytes = Buffer.from(body).subarray(0, MAX_BODY_BYTES - Buffer.byteLength(note));
  // A character cut in two at the end is left out: only bytes of one that is incomplete decode to U+FFFD.
  return new TextDecoder().decode(bytes, { stream: true }) + note;
}
