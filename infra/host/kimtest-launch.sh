#!/bin/bash
# Starts the runner: the newest bundle if it can be had and comes up, otherwise the last one that did.
#
# Each start of the service runs this, as the service's user; in the end it becomes the runner (exec), so that the
# runner is systemd's main process and feeds the watchdog. It is installed beside the bundles, not in them.
#
# What it knows of bundles is in /var/lib/kimtest/bundles:
#   SHA.good     made by the runner once it is up ($KIMTEST_READY_FILE)
#   SHA.starts   how often an unproven bundle was started
#   SHA.bad      started twice without coming up while a good one was there; remove the file to have it tried again
#   last-started, last-good   hashes
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # Used by say.
speaker=launch
# shellcheck source=infra/host/common.sh
. "$here/common.sh"

code=$root/opt/kimtest
bundles=$code/bundles
home=$root/var/lib/kimtest
marks=$home/bundles
saved=$home/service.json
starts_limit=2
kept_bundles=3

# Written whole or not at all.
put() {
  local temporary
  temporary=$(mktemp "$1.XXXXXX")
  cat >"$temporary" || {
    rm -f "$temporary"
    return 1
  }
  chmod 0644 "$temporary"
  mv -T "$temporary" "$1"
}

marked() { [ -f "$marks/$1.$2" ]; }
present() { [ -n "$1" ] && [ -f "$bundles/$1/runner.js" ]; }
hash_in() {
  local value=''
  if [ -f "$marks/$1" ]; then read -r value <"$marks/$1" || true; fi
  if [[ $value =~ ^[0-9a-f]{64}$ ]]; then printf '%s' "$value"; fi
}

# Prints bucket, key and hash; refuses settings that do not describe a bundle of this stack.
bundle_of() {
  python3 -c '
import json, os, re, sys
settings = json.loads(sys.argv[1])
if settings["stack"] != os.environ["KIMTEST_STACK"]: sys.exit("the settings are those of another stack")
values = (settings["s3_bucket"], settings["bundle"]["key"], settings["bundle"]["sha256"])
shapes = (r"[a-z0-9][a-z0-9.-]+", r"[A-Za-z0-9][A-Za-z0-9/._-]*", r"[0-9a-f]{64}")
for value, shape in zip(values, shapes):
    if not re.fullmatch(shape, value): sys.exit(f"not usable: {value!r}")
    print(value)
' "$1"
}

# unpack ARCHIVE SHA: under a name that no start looks for, then renamed; a half-unpacked bundle is never in use.
unpack() {
  local scratch
  scratch=$(mktemp -d "$bundles/.new-XXXXXX")
  if ! timeout --kill-after=5 120 tar -xzf "$1" --no-same-owner -C "$scratch" || ! [ -f "$scratch/runner.js" ]; then
    say "bundle $2 could not be unpacked, or has no runner.js"
    rm -rf "$scratch"
    return 1
  fi
  chmod 0755 "$scratch"
  # The rename must not reach the disk before the files do: power may go at any time.
  timeout --kill-after=5 60 sync -f "$scratch/runner.js"
  rm -rf "${bundles:?}/$2"
  mv -T "$scratch" "$bundles/$2"
}

# fetch BUCKET KEY SHA
fetch() {
  local archive status=0
  archive=$(mktemp "$bundles/.new-XXXXXX")
  if ! repeat 3 "downloading s3://$1/$2" aws_call 120 s3api get-object --bucket "$1" --key "$2" "$archive" >/dev/null; then
    status=1
  elif ! has_sha256 "$archive" "$3"; then
    say "s3://$1/$2 has another hash than the settings say ($3): not used"
    status=1
  else
    unpack "$archive" "$3" || status=1
  fi
  rm -f "$archive"
  return "$status"
}

# reject SHA WHY
reject() {
  say "bundle $1 rejected: $2"
  publish_metric BundleRejected
}

# Keeps the given bundles and fills up with the newest others, marks included.
prune() {
  local keep=" $* " path sha count=0
  while IFS= read -r path; do
    sha=${path##*/}
    if [[ $keep == *" $sha "* ]]; then count=$((count + 1)); fi
  done < <(find "$bundles" -mindepth 1 -maxdepth 1 -type d ! -name '.new-*')
  while IFS= read -r path; do
    sha=${path##*/}
    if [[ $keep == *" $sha "* ]]; then continue; fi
    if ((count < kept_bundles)); then
      count=$((count + 1))
      keep+="$sha "
    else
      say "removing the old bundle $sha"
      rm -rf "$path"
    fi
  done < <(find "$bundles" -mindepth 1 -maxdepth 1 -type d ! -name '.new-*' -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2-)
  for path in "$marks"/*.good "$marks"/*.bad "$marks"/*.starts; do
    sha=${path##*/}
    sha=${sha%.*}
    if [ -e "$path" ] && [[ $keep != *" $sha "* ]]; then rm -f "$path"; fi
  done
}

mkdir -p "$bundles" "$marks"
# systemd runs one of us at a time; a second one, started by hand, must not remove what the first unpacks.
# The lock goes on with the runner (an open file survives exec): while it runs, nobody else launches.
exec 9>"$marks/.lock"
flock --wait 30 9 || {
  say "another launcher or runner holds $marks/.lock"
  exit 1
}
rm -rf "$bundles"/.new-*

# The bundle started last has proven itself if it says so; it is what the next ones fall back to.
last=$(hash_in last-started)
if present "$last" && marked "$last" good; then put "$marks/last-good" <<<"$last"; fi
good=$(hash_in last-good)
if ! present "$good"; then good=''; fi

settings='' wanted='' bucket='' key='' description=''
if settings=$(repeat 4 "reading the parameter $KIMTEST_PARAMETER" aws_call 60 ssm get-parameter \
  --name "$KIMTEST_PARAMETER" --query Parameter.Value --output text); then
  if description=$(bundle_of "$settings"); then
    { read -r bucket && read -r key && read -r wanted; } <<<"$description"
  else
    say "the parameter $KIMTEST_PARAMETER does not describe a bundle of stack $KIMTEST_STACK: $settings"
  fi
fi

if [ -z "$wanted" ]; then
  if [ -z "$good" ] || [ ! -f "$saved" ]; then
    say "no settings, and no bundle that came up before: nothing to start"
    exit 1
  fi
  say "no new settings: starting the last good bundle with the settings of $(date -u -r "$saved" +%Y-%m-%dT%H:%M:%SZ)"
  chosen=$good
else
  put "$saved" <<<"$settings"
  chosen=$wanted
  if ! present "$wanted" && ! fetch "$bucket" "$key" "$wanted"; then
    chosen=$good
    reject "$wanted" "it could not be fetched"
  elif marked "$wanted" bad && [ -n "$good" ]; then
    say "bundle $wanted was rejected before"
    chosen=$good
  elif ! marked "$wanted" good; then
    starts=0
    if marked "$wanted" starts; then read -r starts <"$marks/$wanted.starts" || true; fi
    if ! [[ $starts =~ ^[0-9]{1,6}$ ]]; then starts=0; fi
    if [ "$starts" -ge "$starts_limit" ] && [ -n "$good" ]; then
      put "$marks/$wanted.bad" <<<"started $starts times without coming up"
      reject "$wanted" "started $starts times without coming up"
      chosen=$good
    else
      put "$marks/$wanted.starts" <<<"$((starts + 1))"
      if [ "$starts" -ge "$starts_limit" ]; then say "bundle $wanted never came up, but there is no other"; fi
    fi
  fi
  if [ -z "$chosen" ]; then
    say "no bundle that came up before: nothing to start"
    exit 1
  fi
fi

put "$marks/last-started" <<<"$chosen"
ln -sfn "$bundles/$chosen" "$code/current.new"
mv -T "$code/current.new" "$code/current"
prune "$chosen" ${good:+"$good"} ${wanted:+"$wanted"}

export KIMTEST_READY_FILE=$marks/$chosen.good
export KIMTEST_BUNDLE=$chosen
say "starting bundle $chosen"
# Its own folder, not `current`: what it loads later must come from the same bundle.
exec "$root/usr/local/bin/node" "$bundles/$chosen/runner.js" --settings "$saved" --state "$home/state"
