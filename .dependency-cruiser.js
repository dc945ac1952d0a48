/**
 * The import rule of ARCHITECTURE.md: three floors, imports point down only, no circles.
 * cli and embedded on top; runner, sim and infra beside each other; contracts at the bottom.
 */
const only = (name, from, to, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from, pathNot: "[.]test[.]ts$" },
  to: { path: "^(cli|embedded|runner|sim|infra|contracts|test|bench|tools)/", pathNot: to },
});

export default {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    only("contracts-is-the-bottom", "^contracts/", "^contracts/", "contracts imports nothing of ours"),
    only("sim-stands-alone", "^sim/", "^(sim|contracts)/", "the simulator is started as a process"),
    only("runner-never-looks-up", "^runner/", "^(runner|contracts)/", "the runner knows no simulator and no CLI"),
    only("infra-stands-alone", "^infra/", "^(infra|contracts)/"),
    only(
      "cli-does-not-import-programs",
      "^cli/",
      "^(cli|runner|contracts)/|^sim/vopr-command[.]ts$",
      "`kimtest vopr` is the one door to the simulator",
    ),
    only(
      "runner-platform-and-store-are-its-floor",
      "^runner/(platform|store)/",
      "^(runner/(platform|store)|contracts)/",
    ),
    only(
      "tools-know-no-phase",
      "^runner/(tools|triage|coverage|statistics)/",
      "^(runner/(tools|triage|coverage|statistics|platform|store)|contracts)/",
    ),
    only(
      "phases-know-no-cycle",
      "^runner/phases/",
      "^(runner/(phases|tools|triage|coverage|statistics|platform|store)|contracts)/",
    ),
    {
      name: "no-test-code-in-product",
      severity: "error",
      from: { path: "^(cli|embedded|runner|sim|infra|contracts)/", pathNot: "[.]test[.]ts$" },
      to: { path: "^(test|bench|tools)/|[.]test[.]ts$" },
    },
    {
      name: "nobody-imports-the-top",
      severity: "error",
      from: { path: "^(runner|sim|infra|contracts|test|bench)/", pathNot: "[.]test[.]ts$|^(test|bench)/" },
      to: { path: "^(cli|embedded)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|node_modules|[.]kimtest|[.]venv)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
