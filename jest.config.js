/** @type {import("jest").Config} */
export default {
  rootDir: ".",
  testEnvironment: "node",
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/.kimtest/"],
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.kimtest/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/esbuild-transform.js" },
  testTimeout: 30_000,
  // Most of our suites wait for processes: one more worker than cores keeps the cores busy.
  maxWorkers: 3,
};
