// Jest transform: strips types with esbuild and leaves the modules as they are (ESM).
import { transformSync } from "esbuild";

export default {
  process(source, path) {
    const { code, map } = transformSync(source, {
      loader: "ts",
      format: "esm",
      target: "node22.18",
      sourcemap: true,
      sourcefile: path,
    });
    return { code, map };
  },
};
