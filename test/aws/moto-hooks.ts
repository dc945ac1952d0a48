/** A moto server as hooks of a test file. */
import { afterAll, beforeAll, beforeEach } from "@jest/globals";
import { startMoto, type Moto } from "./moto.ts";

/** The first run of a checkout installs moto. */
const INSTALL_TIMEOUT_MS = 330_000;

export interface MotoHooks {
  /** Made once, before the first test; not together with `forgets`. */
  readonly buckets?: readonly string[];
  /** Whether every test begins with an empty server. */
  readonly forgets?: boolean;
}

/**
 * Started before the first test of the file and stopped after the last. What is returned asks for it: there is none
 * until the hooks have run.
 */
export function motoOfFile({ buckets = [], forgets = false }: MotoHooks = {}): () => Moto {
  let moto: Moto | undefined;
  const running = (): Moto => {
    if (moto === undefined) throw new Error("moto is started by a hook: ask for it in a test");
    return moto;
  };
  beforeAll(async () => {
    moto = await startMoto();
    for (const bucket of buckets) await moto.createBucket(bucket);
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => moto?.stop());
  if (forgets) beforeEach(() => running().reset());
  return running;
}
