/** Archived failures put by hand, with or without an index, as the runner writes both. */
import { failureIndexBeginsKey, failureIndexKey, failureKeyFrom, findingId } from "../../contracts/bucket.ts";
import { stringifyJson } from "../../contracts/json.ts";

export interface Archived {
  readonly key: string;
  readonly signature: string;
  /** Default: the key itself. */
  readonly body?: Buffer | string;
}

/** Keys and bodies, in no store yet. `beginsMs`: undefined for an archive without an index. */
export function archiveObjects(
  failures: readonly Archived[],
  beginsMs?: number,
): [key: string, body: Buffer | string][] {
  const indexed =
    beginsMs === undefined ? [] : failures.filter(({ key }) => failureKeyFrom(key).at.getTime() >= beginsMs);
  return [
    ...failures.map(({ key, body }): [string, Buffer | string] => [key, body ?? key]),
    ...indexed.map(({ key, signature }): [string, string] => [
      failureIndexKey(failureKeyFrom(key), findingId(signature)),
      stringifyJson({ version: 1, key, signature }),
    ]),
    ...(beginsMs === undefined
      ? []
      : ([
          [
            failureIndexBeginsKey(beginsMs),
            stringifyJson({ version: 1, at: new Date(beginsMs).toISOString(), cycle: 1 }),
          ],
        ] as [string, string][])),
  ];
}
