/** Downloads under way, one line each, redrawn on a terminal; nothing elsewhere. */
import type { CliDeps } from "../deps.ts";

export interface DownloadScreen {
  show(name: string, bytes: number, size: number): void;
  /** Takes its line away. */
  done(name: string): void;
  close(): void;
}

const REDRAW_MS = 100;

export async function openDownloadScreen({ screen }: Pick<CliDeps, "screen">): Promise<DownloadScreen> {
  if (screen === undefined) return { show: () => undefined, done: () => undefined, close: () => undefined };
  const { createLogUpdate } = await import("log-update");
  const block = createLogUpdate(screen);
  const lines = new Map<string, string>();
  let drawnMs = -Infinity;
  const draw = (isForced: boolean): void => {
    if (!isForced && performance.now() - drawnMs < REDRAW_MS) return;
    drawnMs = performance.now();
    block([...lines.values()].join("\n"));
  };
  return {
    show(name, bytes, size) {
      lines.set(name, progressLine(name, bytes, size));
      draw(bytes === size);
    },
    done(name) {
      lines.delete(name);
      draw(true);
    },
    close() {
      block.clear();
      block.done();
    },
  };
}

export function progressLine(name: string, bytes: number, size: number): string {
  const percent = size === 0 ? 100 : Math.floor((100 * bytes) / size);
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  return `${String(percent).padStart(3)} %  ${megabytes(bytes)} of ${megabytes(size)} MB  ${name}`;
}
