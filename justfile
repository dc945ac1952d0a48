# Recipes only call the command line; what they do is in cli/commands/ (one file per recipe).
# From a clone: `npm ci`, then `npx just RECIPE`.

set positional-arguments

# The Node.js that npm installed, whichever one the system has.
export PATH := justfile_directory() / "node_modules" / ".bin:" + env("PATH")

kimtest := "node dist/kimtest.js"

# List the recipes.
[private]
default:
    @"{{ just_executable() }}" --justfile "{{ justfile() }}" --list --unsorted

# Run one cycle, or resume the one that was interrupted.
cycle *options:
    @{{ kimtest }} cycle "$@"

# Run one workload alone: formal-verification, benchmarks, fuzz or vopr.
phase workload *options:
    @{{ kimtest }} phase "$@"

# Show or check a profile: what is built and run for a project under test.
profile *options:
    @{{ kimtest }} profile "$@"

# Show the machine, the running cycle, the alarms and the newest digest.
infra-status *options:
    @{{ kimtest }} infra-status "$@"

# Show the newest digest.
infra-digest *options:
    @{{ kimtest }} infra-digest "$@"

# List archived failures, newest first.
list-failures *options:
    @{{ kimtest }} list-failures "$@"

# Fetch archived failures, for example vopr/seed-17-1700000000000.json.
fetch-failure failure *options:
    @{{ kimtest }} fetch-failure "$@"

# Reproduce an archived VOPR failure (exit code 1: reproduced, 0: it passes now).
vopr-repro file *options:
    @{{ kimtest }} vopr-repro "$@"

# Run the embedded simulator; its own flags follow.
vopr *arguments:
    @{{ kimtest }} vopr "$@"

# Run cycles for ever on this machine: service install, status, logs, uninstall.
service *arguments:
    @{{ kimtest }} service "$@"

# Plant every known bug in the simulator and look which are found (exit code 1: one survived).
canaries *options:
    @{{ kimtest }} canaries "$@"

# Check before deploying that every program of a profile works here (exit code 6: something could not be shown).
test-infra-smoke *options:
    @{{ kimtest }} test-infra-smoke "$@"

# Show the newest benchmark run and what the history says of it.
infra-bench *options:
    @{{ kimtest }} infra-bench "$@"

# Show the levels that benchmarks are held against, or accept new ones.
bench-baseline *options:
    @{{ kimtest }} bench-baseline "$@"

# Deploy or update the stack on AWS.
deploy-infra *options:
    @{{ kimtest }} deploy-infra "$@"

# Destroy the stack; the bucket with the results is kept.
infra-destroy *options:
    @{{ kimtest }} infra-destroy "$@"

# Show the machine's log and follow it.
infra-logs *options:
    @{{ kimtest }} infra-logs "$@"

# Open a shell on the machine, run one command there, or forward a port.
infra-ssh *options:
    @{{ kimtest }} infra-ssh "$@"

# Stop the machine; its disk and the running cycle are kept.
infra-stop *options:
    @{{ kimtest }} infra-stop "$@"

# Start the machine that infra-stop has stopped.
infra-start *options:
    @{{ kimtest }} infra-start "$@"

# Restart the service on the machine, which takes the newest bundle.
infra-restart *options:
    @{{ kimtest }} infra-restart "$@"

# Estimate what a stack costs in a month.
infra-cost *options:
    @{{ kimtest }} infra-cost "$@"

# Check what kimtest needs on this machine, and say how to mend it.
doctor *options:
    @{{ kimtest }} doctor "$@"

# Print what makes a shell complete kimtest's commands (bash, zsh or fish).
completion shell *options:
    @{{ kimtest }} completion "$@"

# Run all tests.
test *arguments:
    @npm test -- "$@"

# Check format, types, lint and the import rule.
check:
    @npm run check

# Run this project's own benchmarks.
bench *arguments:
    @npm run bench -- "$@"

# Bundle what ships into dist/.
build:
    @npm run build
