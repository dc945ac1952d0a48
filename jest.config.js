/** @type {import("jest").Config} */
export default {
  rootDir: ".",
  testEnvironment: "node",
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/.kimtest/"],
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/.kimtest/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/esbuild-transform.js" },
  // Only what hangs reaches it: a busy machine may take many times what a quiet one does.
  testTimeout: 120_000,
  // Suites start processes of their own: as many workers as two cores can feed.
  maxWorkers: 2,
  // Of `test.concurrent`, in each worker: such tests mostly wait.
  maxConcurrency: 3,
  // A worker's heap grows with every suite (https://github.com/jestjs/jest/issues/11956): above this, a new worker.
  workerIdleMemoryLimit: "1GB",
};
