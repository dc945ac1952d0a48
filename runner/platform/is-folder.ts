/** Whether something is a folder, or a link to one; what cannot be looked at is none. */
import { stat } from "node:fs/promises";

export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
