/** What `vopr --help` prints. */
import { DEFAULT_ITERATIONS, DEFAULT_MAX_BUNDLES, DEFAULT_TRACE_MAX_MEBIBYTES } from "./flags.ts";
import { DEFAULT_TRACE_EVENTS } from "./trace.ts";

export const HELP = `vopr: deterministic simulation of Viewstamped Replication

Usage: vopr [flags]            run seeds and check the invariants
       vopr scenarios [--json] list the scenarios
       vopr repro BUNDLE       run it again: exit code 1 reproduced, 0 not, 2 unusable
       vopr show BUNDLE        what is in it
       vopr timeline BUNDLE    what happened, replicas as lanes
       vopr bisect BUNDLE      the first event after which the failure is certain
       vopr minimize BUNDLE    leave out what the failure does not need
                               (each with --help)

Seeds
  -s, --seed N                 first seed, 0 to 2^64 - 1 (default 0, or behind the checkpoint)
  -n, --iterations N           number of seeds (default ${DEFAULT_ITERATIONS})
      --scenario NAME          a named mix of faults (see --list-scenarios)
  -f, --faults LIST            network, storage, or network,storage (default both)
      --no-faults              no faults at all
      --max-events N           events until faults and new requests end (default: the scenario's)
      --max-time SECONDS       simulated seconds until they end (default: the scenario's)
      --check-determinism      run every seed twice and compare
      --canary NAME            plant a bug (see --list-canaries)

Workload
      --workload-ops-per-tick N   operations per tick over all clients; 0 for none
      --workload-tick-ms N        length of a tick
      --no-enhanced-workloads     reads and writes only

Invariants
      --enable-invariant NAME, --disable-invariant NAME
      --enable-vsr-invariants, --disable-vsr-invariants, --core-invariants-only
      --enable-projection-invariants, --disable-projection-invariants
      --enable-query-invariants, --disable-query-invariants, --enable-sql-oracles
      --list-invariants

Coverage
      --coverage-threshold NAME   smoke, default or nightly: what the batch must have exercised
      --min-fault-coverage PERCENT, --min-invariant-coverage PERCENT, --require-all-invariants
                               on their own, or in place of the numbers of --coverage-threshold

Output
      --json                   one JSON object per line
  -v, --verbose                every seed, failures with details and a command that repeats them
      --no-failure-diagnosis   without the details
      --trace-out PATH         the trace of every failed seed: NDJSON, added to the file, or
                               for PATH.json one JSON array that replaces it
      --trace-format NAME      ndjson or json, whatever the file is called
      --trace-filter NAME      failures_only, minimal or verbose (default)
      --trace-events N         the newest N events of a run (default ${DEFAULT_TRACE_EVENTS})
      --trace-max-mebibytes N  how large the file may get (default ${DEFAULT_TRACE_MAX_MEBIBYTES})
      --enable-trace           of every seed; --no-trace-on-failure: of none
      --bundle-out FOLDER      a bundle (.kmb) of every failed seed
      --max-bundles N          of the first N of them (default ${DEFAULT_MAX_BUNDLES})
      --max-bundles-per-invariant N   of the first N of each kind (default: no such limit)
      --checkpoint-file PATH   where to go on, and where to keep how far it got
      --list-scenarios         with --json as data
      --list-canaries          with --json as data
  -h, --help

Accepted because it is always so: --vsr-mode.
Exit codes: 0 no seed failed, 1 some did, 2 wrong usage, 3 none failed but a threshold is not met, 101 the simulator itself broke, 130 and 143 stopped.
`;
