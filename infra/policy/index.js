// Pulumi loads a policy pack with `require` and a TypeScript compiler of its own; this file leads past both.
import "./pack.ts";
