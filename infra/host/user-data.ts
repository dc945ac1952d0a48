/**
 * What cloud-init does on a new machine: three files and one start. Everything else is delivered as a bundle.
 *
 * EC2 cannot change the user data of a running spot instance (it stops it and does not start it again), so this must
 * never change with the code: the values are names that stay as long as the stack, and test/host/user-data.test.ts
 * holds the hash of the text. A cloud-config rather than a shell script: cloud-init writes the files itself, its
 * schema check has something to check, and no value ever passes through a shell's quoting, because JSON is YAML.
 */
import { readFileSync } from "node:fs";

import { KimtestError } from "../../contracts/errors.ts";
import { logGroupName } from "../names.ts";

/** Limit of EC2, before base64. */
export const USER_DATA_LIMIT_BYTES = 16_384;
const VALUE_LIMIT_CHARACTERS = 512;

export interface UserDataInput {
  readonly stack: string;
  readonly region: string;
  /** Name of the SSM parameter with the service's settings. */
  readonly serviceParameter: string;
}

const fileBeside = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** One line of a file that both bash (`.`) and systemd (EnvironmentFile=) read; both take POSIX single quotes. */
function assignment(name: string, value: string): string {
  if (value === "" || value.length > VALUE_LIMIT_CHARACTERS || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new KimtestError("BAD_INPUT", `user data: ${name} is empty, too long or holds a control character`, {
      hint: `it must be one line of 1 to ${String(VALUE_LIMIT_CHARACTERS)} characters`,
    });
  }
  return `${name}='${value.replaceAll("'", String.raw`'\''`)}'`;
}

/** @throws KimtestError `BAD_INPUT` for a value that cannot be one line of a file, or when the text gets too long. */
export function userData(input: UserDataInput): string {
  const environment = [
    "# Which stack this machine belongs to. Written by cloud-init; read by bash and by systemd.",
    assignment("KIMTEST_STACK", input.stack),
    assignment("KIMTEST_REGION", input.region),
    assignment("KIMTEST_PARAMETER", input.serviceParameter),
    // Where a failed set-up is told; needed before the settings could be read.
    assignment("KIMTEST_LOG_GROUP", logGroupName(input.stack)),
    "",
  ].join("\n");
  const config = {
    write_files: [
      { path: "/etc/kimtest/environment", permissions: "0644", content: environment },
      {
        path: "/usr/local/sbin/kimtest-bootstrap",
        permissions: "0755",
        content: fileBeside("kimtest-bootstrap.sh"),
      },
      {
        path: "/etc/systemd/system/kimtest-bootstrap.service",
        permissions: "0644",
        content: fileBeside("kimtest-bootstrap.service"),
      },
    ],
    runcmd: [
      ["systemctl", "daemon-reload"],
      ["systemctl", "enable", "kimtest-bootstrap.service"],
      // Without waiting: the set-up takes minutes and tells of its failures itself.
      ["systemctl", "start", "--no-block", "kimtest-bootstrap.service"],
    ],
  };
  const text = `#cloud-config\n${JSON.stringify(config, undefined, 1)}\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes > USER_DATA_LIMIT_BYTES) {
    throw new KimtestError(
      "BAD_INPUT",
      `user data has ${String(bytes)} bytes, EC2 takes ${String(USER_DATA_LIMIT_BYTES)}`,
    );
  }
  return text;
}
