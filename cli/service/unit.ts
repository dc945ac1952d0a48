/**
 * The unit that systemd runs. Pure. infra/host/kimtest.service is its brother on the instance of a stack, which
 * fetches its own releases; what both say is explained there.
 */
import { join } from "node:path";
import type { Layout } from "./layout.ts";

/** The user whom a system's service runs as. */
export const SERVICE_USER = "kimtest";

export interface UnitOptions {
  /** A folder is writable for the service, wherever it lies. */
  readonly store: string;
  readonly release: string;
  /** Groups that the service's user joins for this: `docker`, where there is one. */
  readonly groups: readonly string[];
}

export function unitText(layout: Layout, { store, release, groups }: UnitOptions): string {
  const { scope, home, programFolder, settingsPath, environmentPath, stateFolder } = layout;
  const isSystem = scope === "system";
  // Tools of Rust are installed per user; the rest is the system's.
  const path = [join(isSystem ? stateFolder : home, ".cargo/bin"), "/usr/local/bin", "/usr/bin", "/bin"].join(":");
  const program = [
    join(programFolder, "node"),
    join(programFolder, "current", "kimtest.js"),
    "service",
    "run",
    "--settings",
    settingsPath,
    "--state",
    stateFolder,
  ];
  return `# Written by \`kimtest service install\`, which writes it anew. Changes of yours: \`systemctl edit ${layout.unit}\`.
[Unit]
Description=kimtest: testing cycles
${isSystem ? "Wants=network-online.target\nAfter=network-online.target docker.service\n" : ""}StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
WatchdogSec=120
${isSystem ? identity(groups) : ""}EnvironmentFile=-${alone(environmentPath)}
# Another release is a reason not to wait for the next cycle's turn.
Environment=KIMTEST_BUNDLE=${release}
Environment=${quoted(`TMPDIR=${join(stateFolder, "tmp")}`)}
Environment=${quoted(`PATH=${path}`)}
WorkingDirectory=${alone(stateFolder)}
ExecStart=${program.map(word).join(" ")}
Restart=always
RestartSec=15
TimeoutStartSec=300
KillMode=mixed
TimeoutStopSec=30
SuccessExitStatus=130
MemoryHigh=85%
MemoryMax=92%
OOMPolicy=continue
TasksMax=8192
LimitNOFILE=65536
LimitCORE=0
Nice=5
UMask=0027
NoNewPrivileges=yes
${isSystem ? sandbox([stateFolder, ...(store.startsWith("s3://") ? [] : [store])]) : ""}
[Install]
WantedBy=${isSystem ? "multi-user.target" : "default.target"}
`;
}

const identity = (groups: readonly string[]): string =>
  [`User=${SERVICE_USER}`, `Group=${SERVICE_USER}`, ...groups.map((group) => `SupplementaryGroups=${group}`), ""].join(
    "\n",
  );

/** As far as cargo, fuzzers, Node.js and the socket of Docker allow; a user's manager may not set most of it. */
const sandbox = (writable: readonly string[]): string => `CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=${writable.map(quoted).join(" ")}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
`;

/** A value of a unit file, its specifiers taken literally (systemd.syntax(7)). */
const quoted = (value: string): string => `"${value.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`;

/** A word of a command line, where variables are replaced as well (systemd.service(5)). */
const word = (text: string): string => quoted(text).replaceAll("$", () => "$$");

/** A path alone on its line, where quotes would be part of it. */
const alone = (path: string): string => path.replaceAll("%", "%%");
