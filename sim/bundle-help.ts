/** What `vopr repro --help` and its like print. */
import { DEFAULT_CONTINUATIONS, DEFAULT_MAX_RUNS, DEFAULT_MAX_SECONDS } from "./bundle-arguments.ts";
import type { BundleCommandName } from "./flags.ts";
import { DEFAULT_TIMELINE_KINDS, TIMELINE_KIND_NAMES } from "./timeline.ts";

const SEARCH = `      --max-runs N        runs at most (default ${DEFAULT_MAX_RUNS})
      --max-seconds S     seconds at most (default ${DEFAULT_MAX_SECONDS})
`;
const UNUSABLE = "2 a bundle that is foreign, damaged, cut short or of another version";

export const BUNDLE_HELP: Readonly<Record<BundleCommandName, string>> = {
  repro: `vopr repro BUNDLE: runs a bundle again

Follows the decisions that the bundle carries. A determinism failure is checked by running its seed twice.

      --json              one JSON object
Exit codes: 1 it fails by the same invariant, 0 it does not, ${UNUSABLE}.

Examples
  vopr repro failure.kmb
  vopr repro failure.kmb --json
`,
  show: `vopr show BUNDLE: what is in a bundle

      --json              one JSON object, the trace included
Exit codes: 0, ${UNUSABLE}.

Examples
  vopr show failure.kmb
  vopr show failure.kmb --json
`,
  timeline: `vopr timeline BUNDLE: what happened, replicas as lanes, time from top to bottom

      --rerun             of the whole run, which is run again; else of the end that the bundle carries
      --kinds LIST        of ${TIMELINE_KIND_NAMES.join(", ")}
                          (default ${DEFAULT_TIMELINE_KINDS.join(",")})
      --from MS, --to MS  simulated milliseconds
      --last N            events from the end
      --columns N         width (default: the terminal's, COLUMNS, or 120)
      --json              the events instead
Exit codes: 0, ${UNUSABLE}.

Examples
  vopr timeline failure.kmb
  vopr timeline failure.kmb --rerun --kinds nodes,views,faults
  vopr timeline failure.kmb --from 800 --to 900 --columns 160
`,
  bisect: `vopr bisect BUNDLE: the first event after which the failure is certain

Certain after an event: the run follows the bundle up to it and is then left to itself, without any further fault and
with new dice, and every continuation fails by the same invariant.

      --continuations N   so many after each event that is looked at (default ${DEFAULT_CONTINUATIONS})
${SEARCH}      --json              one JSON object
Exit codes: 0 found, 6 a limit came first, 130 or 143 interrupted (both say as far as it got), ${UNUSABLE},
or a bundle that does not fail here as it says.

Examples
  vopr bisect failure.kmb
  vopr bisect failure.kmb --continuations 100 --json
`,
  minimize: `vopr minimize BUNDLE: leaves out faults, clients, requests and queries while it fails by the same invariant

      --out FILE          the new bundle (default: BUNDLE with .min.kmb)
${SEARCH}      --json              one JSON object
Exit codes: 0 written (when a limit came first, as far as it got), 130 or 143 interrupted and written as far as it got,
${UNUSABLE},
or a bundle that does not fail here as it says.

Examples
  vopr minimize failure.kmb
  vopr minimize failure.kmb --out small.kmb --max-seconds 300
`,
};
