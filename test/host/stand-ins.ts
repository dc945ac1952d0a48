/**
 * What a new machine installs, as stand-ins: packages that are no more than their programs, a Rust that knows which
 * toolchains it has, and a crate that is built into what prints its version. Served and pinned like the real ones.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { execa } from "execa";

import { HOST_FOLDER, serve, sha256Of } from "./machine.ts";

export const NODE_VERSION = "24.99.0";
const CARGO_FUZZ_VERSION = "9.9.9";
/** Prints its version, as far as the set-up asks. */
const NODE = `#!/bin/bash\necho v${NODE_VERSION}\n`;

const RUSTUP = `#!/bin/bash
echo "rustup $*" >>"$KIMTEST_ROOT/calls.txt"
case "$1 $2" in
  run*) [ -d "$RUSTUP_HOME/toolchains/$2" ] ;;
  "toolchain install") mkdir -p "$RUSTUP_HOME/toolchains/\${!#}" ;;
  default*) [ -d "$RUSTUP_HOME/toolchains/$2" ] && echo "$2" >"$RUSTUP_HOME/default" ;;
  *) exit 2 ;;
esac
`;
/** Of its work only \`cargo +TOOLCHAIN install --locked --force --path FOLDER\`. */
const CARGO = `#!/bin/bash
echo "cargo $*" >>"$KIMTEST_ROOT/calls.txt"
[ -d "$RUSTUP_HOME/toolchains/\${1#+}" ] && [ "\${*:2:4}" = "install --locked --force --path" ] && [ -d "$CARGO_TARGET_DIR" ] || exit 101
printf '#!/bin/bash\\necho "%s"\\n' "$(cat "$6/version")" >"$CARGO_HOME/bin/cargo-fuzz"
chmod +x "$CARGO_HOME/bin/cargo-fuzz"
`;
/** Puts rustup and the programs that go through it where the real one does. */
const RUSTUP_INIT = `#!/bin/bash
echo "rustup-init $*" >>"$KIMTEST_ROOT/calls.txt"
mkdir -p "$CARGO_HOME/bin" "$RUSTUP_HOME/toolchains"
cat >"$CARGO_HOME/bin/rustup" <<'END'
${RUSTUP}END
cat >"$CARGO_HOME/bin/cargo" <<'END'
${CARGO}END
cp "$CARGO_HOME/bin/cargo" "$CARGO_HOME/bin/rustc"
chmod +x "$CARGO_HOME/bin"/*
`;

/** A tar.gz with one folder and one file in it. */
async function archive(path: string, content: string): Promise<Buffer> {
  const script = `set -e; d=$(mktemp -d); mkdir -p "$d/$(dirname "$1")"; printf %s "$2" >"$d/$1"; chmod +x "$d/$1"; tar -czf - -C $d "\${1%%/*}"; rm -r $d`;
  const { stdout } = await execa("bash", ["-c", script, "bash", path, content], { encoding: "buffer" });
  return Buffer.from(stdout);
}

export interface Downloads {
  /** The text of downloads.sh for a machine: the real one, with what is served here in place of the internet's. */
  readonly pins: (change?: Readonly<Record<string, string>>) => string;
  readonly close: () => Promise<void>;
}

export async function serveDownloads(): Promise<Downloads> {
  const [real, node, crate] = await Promise.all([
    readFile(join(HOST_FOLDER, "downloads.sh"), "utf8"),
    archive("node/bin/node", NODE),
    archive(`cargo-fuzz-${CARGO_FUZZ_VERSION}/version`, `cargo-fuzz ${CARGO_FUZZ_VERSION}`),
  ]);
  const rustup = Buffer.from(RUSTUP_INIT);
  const { address, close } = await serve({
    [`/node/v${NODE_VERSION}/node-v${NODE_VERSION}-linux-x64.tar.gz`]: node,
    [`/node/v${NODE_VERSION}/node-v${NODE_VERSION}-linux-arm64.tar.gz`]: node,
    "/rustup/1.0.0/x86_64-unknown-linux-gnu/rustup-init": rustup,
    "/rustup/1.0.0/aarch64-unknown-linux-gnu/rustup-init": rustup,
    [`/crates/cargo-fuzz/cargo-fuzz-${CARGO_FUZZ_VERSION}.crate`]: crate,
  });
  const served = {
    node_version: NODE_VERSION,
    node_address: `${address}/node`,
    node_sha256_aarch64: sha256Of(node),
    node_sha256_x86_64: sha256Of(node),
    rustup_version: "1.0.0",
    rustup_address: `${address}/rustup`,
    rustup_sha256_aarch64: sha256Of(rustup),
    rustup_sha256_x86_64: sha256Of(rustup),
    cargo_fuzz_version: CARGO_FUZZ_VERSION,
    cargo_fuzz_sha256: sha256Of(crate),
    crates_address: `${address}/crates`,
    download_protocols: "=http",
  };
  const assignments = (values: Readonly<Record<string, string>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}\n`)
      .join("");
  return { pins: (change = {}) => real + assignments({ ...served, ...change }), close };
}
