#!/bin/bash
# Sets the machine up, from the bundle that kimtest-bootstrap fetched. Run by root, at each boot.
#
# A list of named steps; each has a limit in seconds and a limited number of attempts, and changes nothing when its
# work is done already. The first step that fails ends the set-up, with its name in the last line of the log:
# kimtest-bootstrap reports it. The steps are run as processes of their own, so that a limit ends what hangs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # Used by say.
speaker=bootstrap
# shellcheck source=infra/host/common.sh
. "$here/common.sh"
# shellcheck source=infra/host/downloads.sh
. "$here/downloads.sh"

user=kimtest
home=$root/var/lib/kimtest
code=$root/opt/kimtest
library=$root/usr/local/lib/kimtest
units=$root/etc/systemd/system
architecture=$(uname -m)
swap_mebibytes=${KIMTEST_SWAP_MEBIBYTES:-4096}

# A Rust workspace that compiles DuckDB's C++ (gcc, cmake, clang for bindgen, llvm for stack traces), proof tools
# in containers or on Java, and the machine's own tools. git fetches what is tested.
packages=(
  amazon-cloudwatch-agent clang cmake docker gcc gcc-c++ git gzip java-17-amazon-corretto-headless llvm
  logrotate make openssl-devel perl pkgconf-pkg-config procps-ng tar unzip util-linux xz zlib-devel
)

step_packages() {
  if rpm -q "${packages[@]}" >/dev/null 2>&1; then return 0; fi
  local release
  release=$(rpm -q --queryformat '%{VERSION}' system-release)
  # Named although it is the default: an override under /etc/dnf/vars must not unpin what is tested.
  dnf install --assumeyes --releasever="$release" --setopt=install_weak_deps=False "${packages[@]}"
}

step_user() {
  getent passwd "$user" >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/kimtest --no-create-home --shell /sbin/nologin "$user"
  # The socket of Docker gives who may use it the whole machine: a container can mount / as root. The sandbox of the
  # unit is thus a guard against accidents, not against a hostile program under test; what holds one back is outside
  # the machine: a role that can do little, no ingress, nothing else in the account's network.
  if [[ " $(id -nG "$user") " != *" docker "* ]]; then usermod --append --groups docker "$user"; fi
}

step_folders() {
  local folder
  for folder in "$code" "$code/bundles" "$home" "$home/bundles" "$home/state" "$home/tmp"; do
    mkdir -p "$folder"
    chmod 0755 "$folder"
    if [ "$(stat -c %U "$folder")" != "$user" ]; then chown "$user:$user" "$folder"; fi
  done
  # Root's own: systemd and this script append to the logs in it.
  mkdir -p "$root/var/log/kimtest"
  chmod 0755 "$root/var/log/kimtest"
  # The agent has a user of its own, see amazon-cloudwatch-agent.json; there is no secret in these logs.
  local cloud_init_log=$root/var/log/cloud-init-output.log
  if [ -f "$cloud_init_log" ]; then chmod o+r "$cloud_init_log"; fi
}

step_docker() {
  write_file "$root/etc/docker/daemon.json" 0644 <"$here/docker-daemon.json"
  systemctl enable docker.service
  if [ -f "$pending" ]; then systemctl restart docker.service; else systemctl start docker.service; fi
}

# fetch ADDRESS SHA256 FILE
fetch() {
  curl --fail --silent --show-error --location --proto "$download_protocols" --connect-timeout 20 --max-time 300 \
    --output "$3" "$1"
  has_sha256 "$3" "$2" || {
    say "$1 has another hash than downloads.sh says ($2): not used"
    return 1
  }
}

# A folder that all can read and only root can change: what was checked there is what is run.
new_scratch() {
  local scratch
  mkdir -p "$library"
  rm -rf "$library"/.new-*
  scratch=$(mktemp -d "$library/.new-XXXXXX")
  chmod 0755 "$scratch"
  printf '%s' "$scratch"
}

# The pinned hash of this architecture: pinned_sha256 node.
pinned_sha256() {
  local name=$1_sha256_$architecture
  [ -n "${!name:-}" ] || {
    say "no $1 is pinned for the architecture $architecture"
    return 1
  }
  printf '%s' "${!name}"
}

step_node() {
  local node=$root/usr/local/bin/node place=$library/node-v$node_version sha256 platform scratch
  if [ -x "$node" ] && [ "$("$node" --version)" = "v$node_version" ]; then return 0; fi
  sha256=$(pinned_sha256 node)
  platform=linux-x64
  if [ "$architecture" = aarch64 ]; then platform=linux-arm64; fi
  mkdir -p "$root/usr/local/bin"
  scratch=$(new_scratch)
  fetch "$node_address/v$node_version/node-v$node_version-$platform.tar.gz" "$sha256" "$scratch/node.tar.gz"
  mkdir "$scratch/node"
  tar -xzf "$scratch/node.tar.gz" --no-same-owner --strip-components=1 -C "$scratch/node"
  rm -rf "$place"
  mv -T "$scratch/node" "$place"
  rm -rf "$scratch"
  ln -sfn "$place/bin/node" "$node.new"
  mv -T "$node.new" "$node"
  [ "$("$node" --version)" = "v$node_version" ]
}

# as_user COMMAND…: other people's code is not run by root. The environment is that of kimtest.service.
as_user() {
  runuser -u "$user" -- env HOME="$home" RUSTUP_HOME="$home/rustup" CARGO_HOME="$home/cargo" \
    PATH="$home/cargo/bin:$PATH" "$@"
}

# toolchain NAME [COMPONENTS]
toolchain() {
  if as_user rustup run "$1" rustc --version; then return 0; fi
  as_user rustup toolchain install --no-self-update --profile minimal ${2:+--component "$2"} "$1"
}

step_rust() {
  local scratch sha256
  if [ ! -x "$home/cargo/bin/rustup" ] || [ ! -x "$home/cargo/bin/cargo" ]; then
    sha256=$(pinned_sha256 rustup)
    scratch=$(new_scratch)
    fetch "$rustup_address/$rustup_version/$architecture-unknown-linux-gnu/rustup-init" "$sha256" "$scratch/rustup-init"
    chmod 0755 "$scratch/rustup-init"
    as_user "$scratch/rustup-init" -y --no-modify-path --profile minimal --default-toolchain none
    rm -rf "$scratch"
  fi
  toolchain "$rust_version" "$rust_components"
  # For a repository that names none.
  as_user rustup default "$rust_version"
}

# With the nightly toolchain, which is newer than what its crates ask for.
step_cargo_fuzz() {
  local scratch target program=$home/cargo/bin/cargo-fuzz
  toolchain "$rust_nightly"
  if [ -x "$program" ] && [ "$(as_user "$program" --version)" = "cargo-fuzz $cargo_fuzz_version" ]; then return 0; fi
  scratch=$(new_scratch)
  fetch "$crates_address/cargo-fuzz/cargo-fuzz-$cargo_fuzz_version.crate" "$cargo_fuzz_sha256" "$scratch/crate.tar.gz"
  mkdir "$scratch/source"
  tar -xzf "$scratch/crate.tar.gz" --no-same-owner --strip-components=1 -C "$scratch/source"
  as_user rm -rf "$home"/tmp/cargo-fuzz-*
  target=$(as_user mktemp -d "$home/tmp/cargo-fuzz-XXXXXX")
  as_user env CARGO_TARGET_DIR="$target" cargo "+$rust_nightly" install --locked --force --path "$scratch/source"
  as_user rm -rf "$target"
  rm -rf "$scratch"
}

# A link of DuckDB or a fuzzer may ask for more than the 8 GB of the default machine for a moment.
step_swap() {
  local swap=$root/swapfile fstab=$root/etc/fstab
  if [ ! -f "$swap" ]; then
    rm -f "$swap.new"
    (umask 0077 && fallocate -l "${swap_mebibytes}M" "$swap.new")
    mkswap "$swap.new"
    mv -T "$swap.new" "$swap"
  fi
  if ! grep -q '^/swapfile ' "$fstab"; then printf '/swapfile none swap defaults,nofail 0 0\n' >>"$fstab"; fi
  if ! swapon --show=NAME --noheadings | grep -qx "$swap"; then swapon "$swap"; fi
}

step_logs() {
  write_file "$root/etc/logrotate.d/kimtest" 0644 <"$here/logrotate.conf"
  write_file "$root/etc/systemd/journald.conf.d/kimtest.conf" 0644 <"$here/journald.conf"
  write_file "$units/logrotate.timer.d/kimtest.conf" 0644 <"$here/logrotate-timer.conf"
  if [ ! -f "$pending" ]; then return 0; fi
  systemctl daemon-reload
  systemctl restart systemd-journald.service
  systemctl enable logrotate.timer
  systemctl restart logrotate.timer
}

step_agent() {
  local config=$root/etc/kimtest/amazon-cloudwatch-agent.json filled
  # Filled in as JSON, not as text: no value can change the structure.
  # shellcheck disable=SC2016 # The names in the template look like shell variables.
  filled=$(python3 -c '
import json, sys
names = dict(zip(("${stack}", "${region}", "${log_group}"), sys.argv[2:]))
def fill(value):
    if isinstance(value, dict): return {key: fill(entry) for key, entry in value.items()}
    if isinstance(value, list): return [fill(entry) for entry in value]
    return names.get(value, value) if isinstance(value, str) else value
print(json.dumps(fill(json.load(open(sys.argv[1]))), indent=1))
' "$here/amazon-cloudwatch-agent.json" "$KIMTEST_STACK" "$KIMTEST_REGION" "$KIMTEST_LOG_GROUP")
  write_file "$config" 0644 <<<"$filled"
  if [ -f "$pending" ] || ! systemctl is-active --quiet amazon-cloudwatch-agent.service; then
    amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c "file:$config"
  fi
  systemctl enable amazon-cloudwatch-agent.service
}

step_service() {
  # Outside the bundles: a bundle that does not come up must not take along what falls back from it.
  write_file "$library/common.sh" 0644 <"$here/common.sh"
  write_file "$library/kimtest-launch.sh" 0755 <"$here/kimtest-launch.sh"
  write_file "$units/kimtest.service" 0644 <"$here/kimtest.service"
  if [ -f "$pending" ]; then systemctl daemon-reload; fi
  systemctl enable kimtest.service
  # Without waiting: the unit starts after this set-up, and one that runs already goes on.
  systemctl start --no-block kimtest.service
}

# step NAME SECONDS ATTEMPTS
step() {
  local name=$1 limit=$2 attempts=$3
  say "step $name"
  repeat "$attempts" "step $name" timeout --kill-after=10 "$limit" bash "${BASH_SOURCE[0]}" --step "$name" || {
    say "the set-up ended at step $name, after $attempts attempts of at most $limit s each"
    exit 1
  }
}

if [ "${1:-}" = --step ]; then
  pending=$root/etc/kimtest/pending-$2
  "step_$2"
  rm -f "$pending"
  exit 0
fi
step packages 1200 3
step user 30 2
step folders 60 2
step docker 120 3
step node 400 3
step rust 900 3
step swap 120 2
step logs 60 2
step agent 120 3
step service 60 2
# After the service: without what only one workload needs, the others run.
step cargo_fuzz 1500 3
say "the machine is set up"
