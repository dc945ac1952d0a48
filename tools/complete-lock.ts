/**
 * Completes package-lock.json with the optional platform packages a mirror did not have.
 *
 * Why: `npm ci` refuses a lock that lacks any optional dependency, and some mirrors carry only the
 * platform they run on (seen with `rust-just`, whose macOS and Windows binaries were missing). The
 * entries written here carry no integrity, because nobody could fetch them here; npm checks them
 * against the registry of the machine that does install them.
 *
 * Run after each `npm install`: `node tools/complete-lock.ts`
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}

const LOCK = "package-lock.json";
const OS_BY_WORD: Record<string, string> = { linux: "linux", darwin: "darwin", windows: "win32" };

/** `rust-just-linux-armv7` -> os linux, cpu arm. Undefined for a name that names no platform. */
function platformOf(name: string): Pick<LockEntry, "os" | "cpu"> | undefined {
  const match = /-(linux|darwin|windows)-(\w+)$/.exec(name);
  if (match === null) return undefined;
  const [, system = "", cpu = ""] = match;
  return { os: [OS_BY_WORD[system] ?? system], cpu: [cpu === "armv7" ? "arm" : cpu] };
}

const lock = JSON.parse(readFileSync(LOCK, "utf8")) as { packages: Record<string, LockEntry> };
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const hoisted = `node_modules/${name}`;
    const platform = platformOf(name);
    if (platform === undefined || lock.packages[hoisted] || lock.packages[`${path}/${hoisted}`]) continue;
    lock.packages[hoisted] = { version, ...platform, ...(entry.dev ? { dev: true } : {}), optional: true };
    process.stdout.write(`added ${name} ${version}\n`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
