#!/usr/bin/env node
/** Entry point of `kimtest`. Everything else is in run.ts, program.ts and commands/. */
import { enableCompileCache } from "node:module";

// Only what is loaded after this is cached; hence the dynamic imports.
enableCompileCache();
const [{ systemDeps }, { run }] = await Promise.all([import("./deps.ts"), import("./run.ts")]);
await run(process.argv.slice(2), systemDeps());
