/** Deploys the Pulumi program of this checkout to the emulator that the environment names. */
import { openEngine } from "./apply/engine.ts";
import { captureStack, type Captured, type CaptureOptions } from "./pulumi-host.ts";

/** @throws when a resource could not be created, or the program failed. */
export async function deploy(options: Pick<CaptureOptions, "stack" | "config">): Promise<Captured> {
  const engine = await openEngine();
  const captured = await captureStack({
    ...options,
    answer: async ({ custom, type, name, inputs }) => {
      if (!custom || type === "pulumi:providers:aws") return {};
      const { id, outputs } = await engine.apply(type, name, inputs);
      return { id, ...outputs };
    },
    invoke: (token, args) => engine.invoke(token, args),
  });
  if (captured.code !== 0) {
    throw new Error(`the program ended with ${String(captured.code)}: ${captured.logs.join("\n")}${captured.stderr}`);
  }
  return captured;
}
