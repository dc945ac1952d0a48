/**
 * Looks at everything at once: the machine, its spot request, alarms, e-mail, and what is stored. Each part has its own
 * deadline; one that fails becomes a problem that says why and what to type, and the others are shown.
 */
import type { z } from "zod";
import { CURRENT_CYCLE_KEY, DIGEST_KEY } from "../../contracts/bucket.ts";
import { cycleStateSchema } from "../../contracts/cycle.ts";
import { digestSchema } from "../../contracts/digest.ts";
import { KimtestError, reasonOf, type ErrorCode } from "../../contracts/errors.ts";
import { STATUS_PARTS, type InfraStatus, type StatusPart } from "../../contracts/infra-status.ts";
import { limited } from "../../runner/platform/limited.ts";
import type { ObjectStore } from "../../runner/store/object-store.ts";
import { readJson } from "../../runner/store/read-json.ts";
import type { InstanceView, SpotView } from "../aws/power.ts";
import type { CliDeps } from "../deps.ts";
import { withStore, type Place } from "../store.ts";
import { cycleSummary, digestSummary, openFindings } from "./summary.ts";

export interface Question {
  readonly place: Place;
  /** Which fields of the answer are asked for: what only others need is not looked up. */
  readonly has: (field: keyof InfraStatus) => boolean;
  readonly deadlineMs: number;
}

export const DEADLINE_MS = 10_000;

type Parts = Pick<InfraStatus, StatusPart | "findings">;
type World = Pick<CliDeps, "now" | "stop">;

/** Of a field that nobody asked for, and of a part that cannot be there. */
const NOTHING: Parts = {
  instance: null,
  spot_request: null,
  spot_price: null,
  interruptions: null,
  cycle: null,
  alarms: null,
  subscriptions: null,
  digest: null,
  findings: null,
};

/** @throws KimtestError `INTERRUPTED`; `NOT_FOUND` for a folder that is not there */
export async function look(question: Question, world: World): Promise<InfraStatus> {
  const { place, deadlineMs } = question;
  const ended = new AbortController();
  const parts = new Gathering(question, world, AbortSignal.any([world.stop, ended.signal]));
  const { region, profile } = place;
  const patience = { requestTimeoutMs: deadlineMs / 2, maxAttempts: 2 };
  try {
    const [stored, cloud] = await Promise.all([
      withStore(place.location, (store) => storedParts(store, parts, world), { region, profile, ...patience }),
      place.stack === undefined ? {} : cloudParts(place.stack, parts, world),
    ]);
    return {
      version: 1,
      at: new Date(world.now()).toISOString(),
      store: { url: place.location, by: place.by },
      stack: stackOf(place),
      ...NOTHING,
      ...stored,
      ...cloud,
      problems: parts.problems(),
    };
  } finally {
    // What took too long is not waited for, and must not keep the process alive.
    ended.abort();
  }
}

/** Runs the look-ups and keeps what went wrong. */
class Gathering {
  readonly stop: AbortSignal;
  readonly #question: Question;
  readonly #world: World;
  readonly #problems: InfraStatus["problems"][number][] = [];

  constructor(question: Question, world: World, stop: AbortSignal) {
    this.#question = question;
    this.#world = world;
    this.stop = stop;
  }

  isAsked(...fields: (keyof InfraStatus)[]): boolean {
    return fields.some((field) => this.#question.has(field));
  }

  /** null when nobody asked for it, when there is nothing of it, and when it is a problem now. */
  async part<T>(part: StatusPart, isAsked: boolean, find: () => Promise<T | null>): Promise<T | null> {
    if (!isAsked) return null;
    try {
      return await limited(find(), DOING[part], this.#question.deadlineMs, this.#world.stop);
    } catch (error) {
      if (!(error instanceof KimtestError) || this.#world.stop.aborted) throw error;
      const { code, exitCode } = error;
      const hint = error.hint ?? NEXT[code] ?? null;
      this.#problems.push({ part, message: reasonOf(error), hint, exit_code: exitCode });
      return null;
    }
  }

  problems(): InfraStatus["problems"] {
    const place = ({ part }: { part: StatusPart }): number => STATUS_PARTS.indexOf(part);
    return this.#problems.toSorted((one, other) => place(one) - place(other));
  }
}

const DOING: Readonly<Record<StatusPart, string>> = {
  instance: "looking at the machine",
  spot_request: "looking at the spot request",
  spot_price: "looking up the spot price",
  interruptions: "counting the spot interruptions",
  cycle: `reading ${CURRENT_CYCLE_KEY}`,
  alarms: "looking at the alarms",
  subscriptions: "looking at the e-mail subscription",
  digest: `reading ${DIGEST_KEY}`,
};

/** What to do about errors that do not say it themselves. */
const NEXT: Partial<Record<ErrorCode, string>> = {
  STORE_UNREACHABLE: "check the network, then look again",
  CORRUPT_DATA: "the runner writes it anew: the cycle within minutes, the digest when the cycle ends",
};

function stackOf({ stack }: Place): InfraStatus["stack"] {
  if (stack === undefined) return null;
  const { stack: name, region, account_id } = stack.parts;
  return { name, region, account_id, by: stack.by };
}

async function storedParts(store: ObjectStore, parts: Gathering, { now }: World): Promise<Partial<Parts>> {
  const stored = async <T>(key: string, schema: z.ZodType<T>): Promise<T | null> =>
    (await readJson(store, key, schema))?.value ?? null;
  const [state, digest] = await Promise.all([
    parts.part("cycle", parts.isAsked("cycle"), () => stored(CURRENT_CYCLE_KEY, cycleStateSchema)),
    parts.part("digest", parts.isAsked("digest", "findings"), () => stored(DIGEST_KEY, digestSchema)),
  ]);
  return {
    cycle: state === null ? null : cycleSummary(state, now()),
    digest: digest === null ? null : digestSummary(digest),
    findings: digest === null ? null : openFindings(digest),
  };
}

async function cloudParts(
  { parts: stack, target }: NonNullable<Place["stack"]>,
  parts: Gathering,
  { now }: World,
): Promise<Partial<Parts>> {
  const [{ PowerSwitch }, { stoppedBy }, { readAlarms }, { readInterruptions, readSpotPrice }, { readSubscriptions }] =
    await Promise.all([
      import("../aws/power.ts"),
      import("../aws/power-rules.ts"),
      import("../aws/alarms.ts"),
      import("../aws/spot-market.ts"),
      import("../aws/subscription.ts"),
    ]);
  const { stop } = parts;
  const lever = new PowerSwitch(stack.instance_id, target, stop);
  const isSpot = stack.purchase === "spot";
  const machine = once(() => lever.instance());
  const request = once(async () => {
    const named = await machine().catch(() => undefined); // its own part says why
    return isSpot ? lever.spotRequest(named?.spotRequest) : undefined;
  });
  const describe = async (): Promise<InfraStatus["instance"]> => {
    const one = await machine();
    if (one.state !== "stopped" && one.state !== "stopping") return instanceOf(one, null);
    const spot = await request().catch(() => undefined);
    return instanceOf(one, stoppedBy({ ...one, spot }));
  };
  const price = async (): Promise<InfraStatus["spot_price"]> => {
    const { type, zone } = await machine();
    return zone === undefined ? null : readSpotPrice(type, zone, now(), target, stop);
  };
  const interruptions = async (): Promise<InfraStatus["interruptions"]> => {
    const since = (await request())?.createdAt?.toISOString() ?? null;
    return readInterruptions(stack.stack, since, now(), target, stop);
  };
  try {
    const [instance, spot_request, spot_price, interrupted, alarms, subscriptions] = await Promise.all([
      parts.part("instance", parts.isAsked("instance"), describe),
      parts.part("spot_request", isSpot && parts.isAsked("spot_request"), async () => requestOf(await request())),
      parts.part("spot_price", isSpot && parts.isAsked("spot_price"), price),
      parts.part("interruptions", isSpot && parts.isAsked("interruptions"), interruptions),
      parts.part("alarms", parts.isAsked("alarms"), () => readAlarms(stack, target, stop)),
      parts.part("subscriptions", parts.isAsked("subscriptions"), () =>
        readSubscriptions(stack.sns_topic, target, stop),
      ),
    ]);
    return { instance, spot_request, spot_price, interruptions: interrupted, alarms, subscriptions };
  } finally {
    lever.close();
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => (running ??= work());
}

const requestOf = (spot: SpotView | undefined): InfraStatus["spot_request"] =>
  spot === undefined
    ? null
    : { id: spot.id, state: spot.state, code: spot.code, created_at: spot.createdAt?.toISOString() ?? null };

function instanceOf(
  { id, type, state, zone, launchedAt, transitionReason }: InstanceView,
  stopped_by: NonNullable<InfraStatus["instance"]>["stopped_by"],
): InfraStatus["instance"] {
  const isUp = state === "running" || state === "pending";
  const since = isUp ? launchedAt?.toISOString() : stoppedAt(transitionReason);
  return { id, type, state, since: since ?? null, availability_zone: zone ?? null, stopped_by };
}

/** EC2 tells it in words only, such as "User initiated (2026-11-21 10:00:00 GMT)". */
function stoppedAt(transitionReason: string): string | undefined {
  const [, day, time] = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:GMT|UTC)\)/.exec(transitionReason) ?? [];
  if (day === undefined || time === undefined) return undefined;
  const ms = Date.parse(`${day}T${time}Z`);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
