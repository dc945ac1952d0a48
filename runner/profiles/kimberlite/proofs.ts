/**
 * Kimberlite's specifications and the tools that check them.
 *
 * Where a tool cannot run, its check is inconclusive: the Coq image and the TLAPS release exist for x86-64 only.
 * `tla2tools.jar` is published again and again under one tag: when its pin no longer fits, a copy of the pinned
 * file in the store is used, and somebody has to look at the new one.
 */
import type { ProofCheck, ProofImage, ProofsProfile } from "../../../contracts/profile/formal-verification.ts";

const EVERYWHERE: ProofCheck["architectures"] = ["x64", "arm64"];
const X64_ONLY: ProofCheck["architectures"] = ["x64"];
const MINUTE = 60;

const DOWNLOADS: ProofsProfile["downloads"] = {
  tla2tools: {
    file: "tla2tools.jar",
    url: "https://github.com/tlaplus/tlaplus/releases/download/v1.8.0/tla2tools.jar",
    sha256: "e47073579d0ff27989bd3789ce0cc8ab42ca6e2c4374c0e95c3dfa0bff9f0113",
  },
  alloy: {
    file: "alloy-6.2.0.jar",
    url: "https://github.com/AlloyTools/org.alloytools.alloy/releases/download/v6.2.0/org.alloytools.alloy.dist.jar",
    sha256: "6b8c1cb5bc93bedfc7c61435c4e1ab6e688a242dc702a394628d9a9801edb78d",
  },
};

const fromFolder = (tool: string, deadlineMinutes: number): ProofImage => ({
  source: { from: "folder", folder: `tools/formal-verification/docker/${tool}` },
  deadline_seconds: deadlineMinutes * MINUTE,
  memory_mebibytes: 4_096,
});

const IMAGES: ProofsProfile["images"] = {
  coq: {
    source: { from: "registry", reference: "docker.io/coqorg/coq:8.18" },
    deadline_seconds: 15 * MINUTE,
    memory_mebibytes: 4_096,
  },
  ivy: fromFolder("ivy", 30),
  tlaps: fromFolder("tlaps", 30),
};

/** Small models: the full one of VSR (MaxView 3, MaxOp 4) takes longer than a phase. */
const tlc = (name: string, specification: string, configuration: string): ProofCheck => ({
  tool: "tlc",
  name,
  folder: "specs/tla",
  deadline_seconds: 30 * MINUTE,
  architectures: EVERYWHERE,
  java: "java",
  jar: "tla2tools",
  specification,
  configuration,
  workers: "auto",
  // A model that has done all its operations stands still, by design.
  checks_deadlock: false,
  max_heap_mebibytes: 2_048,
  arguments: [],
});

const alloy = (name: string, specification: string, unsatisfiableRuns: string[] = []): ProofCheck => ({
  tool: "alloy",
  name,
  folder: "specs/alloy",
  deadline_seconds: 10 * MINUTE,
  architectures: EVERYWHERE,
  java: "java",
  jar: "alloy",
  specification,
  max_heap_mebibytes: 1_536,
  unsatisfiable_runs: unsatisfiableRuns,
});

const tlaps = (name: string, module: string): ProofCheck => ({
  tool: "tlaps",
  name,
  folder: "specs/tla",
  deadline_seconds: 20 * MINUTE,
  architectures: X64_ONLY,
  image: "tlaps",
  program: [], // the image starts tlapm
  module,
  stretch: 300,
  allowed_omitted: 0,
});

/**
 * Their deadlines are what one may take at most. Together they are more than the hour of the phase, which is shared
 * fairly (phases/formal-verification/fair-share.ts): each has its even part, and what it leaves goes to those after it. So
 * the quick ones come first, and Kani, which ends at once where it is not installed, before those that need an image.
 */
const CHECKS: ProofCheck[] = [
  tlc("tlc-vsr", "VSR.tla", "VSR_Small.cfg"),
  tlc("tlc-view-change", "ViewChange.tla", "ViewChange_Small.cfg"),
  tlc("tlc-recovery", "Recovery.tla", "Recovery.cfg"),
  tlc("tlc-compliance", "Compliance.tla", "Compliance.cfg"),
  alloy("alloy-simple", "Simple.als"),
  // A model of seven replicas in a specification that has five: it has no instance by design.
  alloy("alloy-quorum", "Quorum.als", ["showByzantineScenario"]),
  alloy("alloy-hash-chain", "HashChain-quick.als"),
  {
    tool: "kani",
    name: "kani",
    folder: ".",
    deadline_seconds: 60 * MINUTE,
    architectures: EVERYWHERE,
    cargo: "cargo",
    unwind: 8,
    jobs: 2,
    checks_unwinding: false,
    arguments: ["--workspace"],
  },
  {
    tool: "coq",
    name: "coq-crypto",
    folder: "specs/coq",
    deadline_seconds: 60 * MINUTE,
    architectures: X64_ONLY,
    image: "coq",
    library: "Kimberlite",
    files: ["Common.v", "SHA256.v", "BLAKE3.v", "AES_GCM.v", "Ed25519.v", "KeyHierarchy.v", "MessageSerialization.v"],
    allowed_admitted: 0,
  },
  {
    tool: "ivy",
    name: "ivy-byzantine",
    folder: "specs/ivy",
    deadline_seconds: 30 * MINUTE,
    architectures: EVERYWHERE,
    image: "ivy",
    program: [], // the image starts ivy_check
    specification: "VSR_Byzantine.ivy",
    arguments: [],
    expected_checks: 66,
  },
  tlaps("tlaps-vsr", "VSR_Proofs.tla"),
  tlaps("tlaps-view-change", "ViewChange_Proofs.tla"),
  tlaps("tlaps-recovery", "Recovery_Proofs.tla"),
  tlaps("tlaps-compliance", "Compliance_Proofs.tla"),
];

/** Two processes that may both hold the lock: TLC has to find it in a few states. */
const PLANTED_SPECIFICATION = `---- MODULE Planted ----
EXTENDS Naturals
VARIABLES holders, asked
Init == holders = 0 /\\ asked = 0
Ask == asked < 2 /\\ asked' = asked + 1 /\\ UNCHANGED holders
Take == asked > holders /\\ holders' = holders + 1 /\\ UNCHANGED asked
Next == Ask \\/ Take
Spec == Init /\\ [][Next]_<<holders, asked>>
OneHolder == holders < 2
====
`;
const PLANTED_CONFIGURATION = "SPECIFICATION Spec\nINVARIANT OneHolder\n";

export const PROOFS: ProofsProfile = {
  tool: "proofs",
  downloads: DOWNLOADS,
  images: IMAGES,
  checks: CHECKS,
  canary: {
    files: { "Planted.tla": PLANTED_SPECIFICATION, "Planted.cfg": PLANTED_CONFIGURATION },
    check: { ...tlc("planted-violation", "Planted.tla", "Planted.cfg"), folder: ".", deadline_seconds: 2 * MINUTE },
  },
};
