/** What is in a bundle, and what was found out about it, for people. */
import type { Bisection } from "./bisect.ts";
import type { Bundle } from "./bundle.ts";
import { DETERMINISM } from "../contracts/determinism.ts";
import { CHOICE_NAMES } from "./decisions/decisions.ts";
import { eventText, replicaText } from "./diagnosis.ts";
import { printable } from "./printable.ts";

/** `vopr show`. */
export function bundleText(bundle: Bundle, path: string): string {
  const { seed, scenario, commit, flags, failure, events, simulated_time_us: timeUs, trace, replicas } = bundle;
  const lines = [
    `seed ${seed}, scenario ${scenario}${flags.length === 0 ? "" : `, flags ${flags.join(" ")}`}`,
    `commit ${commit}`,
    `${failure.invariant}: ${failure.message}`,
    `after ${events} events, ${timeUs / 1000} ms simulated; ${trace.length} events of its trace`,
    ...replicas.map((replica) => `replica ${replicaText(replica)}`),
    decisionsText(bundle),
  ];
  if (bundle.minimized_from !== null) {
    const { events: eventsBefore, decisions } = bundle.minimized_from;
    lines.push(
      `minimised from ${eventsBefore} events, ${decisions} decisions`,
      `again: npx kimtest vopr repro ${path}`,
    );
  } else {
    lines.push(`again: npx kimtest vopr ${["--seed", String(seed), "-n", "1", ...flags, "-v"].join(" ")}`);
  }
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function decisionsText({ failure, decisions }: Bundle): string {
  if (decisions === null) {
    const why = failure.invariant === DETERMINISM ? ": two runs of this seed differ" : "";
    return `no decisions to follow${why}`;
  }
  const counts = CHOICE_NAMES.flatMap((name) => {
    const count = decisions.taken.filter(([choice]) => choice === name).length;
    return count === 0 ? [] : [`${name} ${count}`];
  });
  return `${decisions.taken.length} decisions: ${counts.join(", ")}`;
}

/** `vopr bisect`. `end`: what came before it was complete. */
export function bisectionText(found: Bisection, invariant: string, end: string): string {
  const { event, events, uncertainAfter, continuations } = found;
  const time = `${found.timeUs / 1000} ms`;
  const lines = found.complete
    ? [`certain after event ${event} of ${events}, at ${time}: ${found.description}`]
    : [
        `${end}: certain after event ${event} of ${events}, ` +
          (uncertainAfter === null ? "nothing is known of those before" : `not yet after event ${uncertainAfter}`),
      ];
  if (event === 0) lines.push("it needs no fault and no luck: every run of this kind fails");
  lines.push(...found.trace.map(eventText));
  lines.push(`after it ${continuations} of ${continuations} continuations fail by ${invariant}`);
  if (uncertainAfter !== null) {
    lines.push(`after event ${uncertainAfter}: ${found.failingBefore ?? "not all"} of ${continuations}`);
  }
  lines.push(`${found.runs} runs`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}
