/** Where the parts of the service lie on a machine: of the whole system, or of one user. Pure. */
import { join } from "node:path";
import { KimtestError } from "../../contracts/errors.ts";

export interface Layout {
  readonly scope: "system" | "user";
  /** Of the one who installs it. */
  readonly home: string;
  /** systemd's name of it, without `.service`. */
  readonly unit: string;
  readonly unitPath: string;
  readonly settingsPath: string;
  /** Variables of the service: credentials and endpoint of the store. Read by its owner alone. */
  readonly environmentPath: string;
  /** Node.js and the releases; removed by uninstall. */
  readonly programFolder: string;
  /** State, clone, corpora, logs. */
  readonly stateFolder: string;
}

export interface LayoutOptions {
  readonly scope: Layout["scope"];
  /** Several services on one machine differ in it. */
  readonly name: string;
  /** Of the one who installs; for a user's service. */
  readonly home: string;
}

const NAME = /^[a-z][a-z0-9-]{0,30}$/;

/** @throws KimtestError `USAGE` for a name that cannot be a unit's. */
export function layoutOf({ scope, name, home }: LayoutOptions): Layout {
  if (!NAME.test(name)) {
    throw new KimtestError("USAGE", `--name is "${name}", but must be lower-case letters, digits and dashes`, {
      hint: "at most 31, for example kimtest or kimtest-nightly",
    });
  }
  const of = (system: string, user: string): string => (scope === "system" ? system : join(home, user));
  return {
    scope,
    home,
    unit: name,
    unitPath: join(of("/etc/systemd/system", ".config/systemd/user"), `${name}.service`),
    settingsPath: join(of("/etc", ".config"), name, "service.json"),
    environmentPath: join(of("/etc", ".config"), name, "environment"),
    programFolder: join(of("/usr/local/lib", ".local/share"), name),
    stateFolder: join(of("/var/lib", ".local/state"), name),
  };
}
