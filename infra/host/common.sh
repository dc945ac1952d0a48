#!/bin/bash
# What the set-up (bootstrap.sh) and the launcher share. Sourced; sets nothing but names.

# Everything is below this folder; empty on a machine, a scratch folder in tests.
# shellcheck disable=SC2034 # Used where this is sourced.
root=${KIMTEST_ROOT:-}
pause_seconds=${KIMTEST_PAUSE_SECONDS:-10}
# Which program speaks, in each line of the log.
speaker=${speaker:-kimtest}

export AWS_DEFAULT_REGION=$KIMTEST_REGION AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=3 AWS_PAGER=''

say() { printf '%s %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$speaker" "$*" >&2; }

# aws_call SECONDS ARGUMENTS…: the AWS CLI with limits. Only flags that its versions 1 and 2 both have.
aws_call() {
  local limit=$1
  shift
  timeout --kill-after=5 "$limit" aws --cli-connect-timeout 10 --cli-read-timeout 30 "$@"
}

# repeat ATTEMPTS WHAT COMMAND…: returns the exit code of the last attempt.
repeat() {
  local attempts=$1 what=$2 attempt status=0
  shift 2
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    status=0
    "$@" || status=$?
    if ((status == 0)); then return 0; fi
    say "$what: attempt $attempt of $attempts failed with exit code $status (124: its time was up)"
    if ((attempt < attempts)); then sleep "$pause_seconds"; fi
  done
  return "$status"
}

has_sha256() { printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# write_file PATH MODE, content from stdin: replaces the file at once, and only when it differs.
# Before it does, it leaves the file `pending` (if that is set): what has to follow a change is done also when this
# attempt is ended in between and the next one finds the file as it shall be.
write_file() {
  local path=$1 mode=$2 temporary
  mkdir -p "$(dirname "$path")"
  temporary=$(mktemp "$path.XXXXXX")
  cat >"$temporary" || {
    rm -f "$temporary"
    return 1
  }
  chmod "$mode" "$temporary"
  if [ -f "$path" ] && cmp --silent "$temporary" "$path" && [ "$(stat -c %a "$path")" = "${mode#0}" ]; then
    rm -f "$temporary"
    return 0
  fi
  if [ -n "${pending:-}" ]; then touch "$pending"; fi
  mv -T "$temporary" "$path"
}

# publish_metric NAME: 1 in the namespace of contracts/metrics.ts, with the one dimension Stack.
publish_metric() {
  aws_call 30 cloudwatch put-metric-data --namespace Kimberlite/Testing --metric-name "$1" --unit Count --value 1 \
    --dimensions "Stack=$KIMTEST_STACK" || say "the metric $1 could not be published"
}
