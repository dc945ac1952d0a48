#!/bin/bash
# The one program that cloud-init puts on a new machine: fetches the delivered bundle and runs its host/bootstrap.sh.
#
# It travels in the user data, which EC2 cannot change on a running spot instance, so it knows as little as possible
# and shares no file with the bundle: what may change is in the bundle. It runs at every boot, because a machine that
# is interrupted in the middle of its set-up is not set up by cloud-init again, and because a changed host/ folder
# takes effect that way. The set-up changes nothing where nothing is to do.
#
# Whatever fails is in the log file, in CloudWatch Logs (bootstrap/INSTANCE) and in the metric BootstrapFailed; all
# three are written from here, since the CloudWatch agent may not be there yet.
set -euo pipefail

root=${KIMTEST_ROOT:-}
log=$root/var/log/kimtest/bootstrap.log
work=$root/var/lib/kimtest-bootstrap
pause_seconds=${KIMTEST_PAUSE_SECONDS:-10}
limit_seconds=${KIMTEST_LIMIT_SECONDS:-5400}
kept_log_bytes=100000
reported_lines=100

# shellcheck disable=SC1091 # Written beside this file by cloud-init.
. "$root/etc/kimtest/environment"
export KIMTEST_STACK KIMTEST_REGION KIMTEST_PARAMETER KIMTEST_LOG_GROUP
export AWS_DEFAULT_REGION=$KIMTEST_REGION AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=3 AWS_PAGER=''

say() { printf '%s bootstrap: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

aws_call() { timeout --kill-after=5 60 aws --cli-connect-timeout 10 --cli-read-timeout 30 "$@"; }

# repeat WHAT COMMAND…: at most three attempts; systemd repeats the whole.
repeat() {
  local what=$1 attempt
  shift
  for attempt in 1 2 3; do
    if "$@"; then return 0; fi
    say "$what: attempt $attempt of 3 failed" >&2
    if [ "$attempt" -lt 3 ]; then sleep "$pause_seconds"; fi
  done
  say "$what: given up" >&2
  return 1
}

# Prints bucket, key and hash of the bundle; refuses anything that does not look like them.
bundle_of() {
  python3 -c '
import json, re, sys
settings = json.loads(sys.argv[1])
values = (settings["s3_bucket"], settings["bundle"]["key"], settings["bundle"]["sha256"])
shapes = (r"[a-z0-9][a-z0-9.-]+", r"[A-Za-z0-9][A-Za-z0-9/._-]*", r"[0-9a-f]{64}")
for value, shape in zip(values, shapes):
    if not re.fullmatch(shape, value):
        sys.exit(f"not usable: {value!r}")
    print(value)
' "$1"
}

attempt() {
  local settings description bucket key sha256
  settings=$(repeat "reading the parameter $KIMTEST_PARAMETER" \
    aws_call ssm get-parameter --name "$KIMTEST_PARAMETER" --query Parameter.Value --output text)
  description=$(bundle_of "$settings") || {
    say "the parameter $KIMTEST_PARAMETER does not describe a bundle"
    return 1
  }
  { read -r bucket && read -r key && read -r sha256; } <<<"$description"

  # Root runs nothing from a folder that the service's user may write to; therefore not /opt/kimtest.
  rm -rf "$work"
  mkdir -p "$work/bundle"
  chmod 0700 "$work"
  repeat "downloading s3://$bucket/$key" \
    aws_call s3api get-object --bucket "$bucket" --key "$key" "$work/bundle.tar.gz" >/dev/null
  if ! printf '%s  %s\n' "$sha256" "$work/bundle.tar.gz" | sha256sum --check --status; then
    say "s3://$bucket/$key has another hash than the parameter says ($sha256): not used"
    return 1
  fi
  timeout 120 tar -xzf "$work/bundle.tar.gz" --no-same-owner -C "$work/bundle"
  say "bundle $sha256 fetched; running its host/bootstrap.sh"
  KIMTEST_SETTINGS=$settings bash "$work/bundle/host/bootstrap.sh"
  rm -rf "$work"
  say "done"
}

# report EXIT_CODE: each part alone, since the network may be what failed.
report() {
  local instance stream events
  instance=$(cat "$root/var/lib/cloud/data/instance-id" 2>/dev/null) || instance=$(uname -n)
  stream=bootstrap/$instance
  say "failed with exit code $1 (124: the limit of $limit_seconds s passed)"
  aws_call cloudwatch put-metric-data --namespace Kimberlite/Testing --metric-name BootstrapFailed --unit Count --value 1 \
    --dimensions "Stack=$KIMTEST_STACK" || say "the metric BootstrapFailed could not be published"
  aws_call logs create-log-stream --log-group-name "$KIMTEST_LOG_GROUP" --log-stream-name "$stream" ||
    say "log stream $stream not created: it exists, or see the line above"
  events=$(mktemp)
  tail -n "$reported_lines" "$log" | python3 -c '
import json, sys, time
now = int(time.time() * 1000)
lines = [line.rstrip("\n")[:2000] for line in sys.stdin.buffer.read().decode("utf-8", "replace").split("\n")]
print(json.dumps([{"timestamp": now, "message": line} for line in lines if line.strip()]))
' >"$events"
  aws_call logs put-log-events --log-group-name "$KIMTEST_LOG_GROUP" --log-stream-name "$stream" \
    --log-events "file://$events" >/dev/null || say "the log could not be sent to $stream"
  rm -f "$events"
}

case ${1:-run} in
  attempt) attempt ;;
  run)
    mkdir -p "$root/var/log/kimtest"
    if [ -f "$log" ] && [ "$(stat -c %s "$log")" -gt "$kept_log_bytes" ]; then
      tail -c "$kept_log_bytes" "$log" >"$log.new" && mv "$log.new" "$log"
    fi
    status=0
    # Into the file, not through a pipe: what outlives the limit (systemd ends it with this unit) would keep it open.
    timeout --kill-after=30 "$limit_seconds" bash "${BASH_SOURCE[0]}" attempt >>"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
      report "$status" >>"$log" 2>&1
      echo "failed; see $log" >&2
      exit 1
    fi
    ;;
  *)
    echo "usage: kimtest-bootstrap [run|attempt]" >&2
    exit 2
    ;;
esac
