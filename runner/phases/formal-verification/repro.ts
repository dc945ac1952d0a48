/**
 * The line that shows a finding of a proof tool again: typed in the root of a checkout, with nothing of the runner's
 * own paths. What the runner downloads or builds, the line downloads or builds.
 */
import type { ProofCheck, ProofsProfile } from "../../../contracts/profile/formal-verification.ts";
import { alloyCommand } from "../../tools/alloy.ts";
import { ivyCommand } from "../../tools/ivy.ts";
import { kaniCommand } from "../../tools/kani.ts";
import { shellQuoted } from "../../tools/shell.ts";
import { tlapsCommand } from "../../tools/tlaps.ts";
import { tlcCommand } from "../../tools/tlc.ts";
import { FOLDER_INSIDE } from "./run-check.ts";
import { alloyOptions, kaniOptions, tlapsOptions, tlcOptions } from "./tool-options.ts";

/** Words that the shell of the person makes: a new folder, and the file that was fetched. */
const NEW_FOLDER = "\0folder";
const JAR = "\0jar";
const MADE: Readonly<Record<string, string>> = { [NEW_FOLDER]: '"$(mktemp -d)"', [JAR]: '"$jar"' };

export function reproOf(check: ProofCheck, profile: ProofsProfile): string {
  switch (check.tool) {
    case "tlc":
      return fetched(check.jar, profile, inFolder(check.folder, tlcCommand(tlcOptions(check, ".", JAR), NEW_FOLDER)));
    case "alloy":
      return fetched(
        check.jar,
        profile,
        inFolder(check.folder, alloyCommand(alloyOptions(check, ".", JAR), NEW_FOLDER)),
      );
    case "coq": {
      // Compiled in a copy, as the runner does it: coqc writes beside its sources.
      const source = check.image === null ? check.folder : FOLDER_INSIDE;
      const copy = `work=$(mktemp -d) && cp ${shellQuoted(source)}/*.v "$work" && cd "$work"`;
      const steps = check.files.map((file) => typed(["coqc", "-Q", ".", check.library, file]));
      const command = ["sh", "-c", [copy, ...steps].join(" && ")];
      return check.image === null ? typed(command) : inImage(check.folder, check.image, profile, command);
    }
    case "ivy":
      return placed(check, profile, ivyCommand(check));
    case "tlaps":
      return placed(check, profile, tlapsCommand(tlapsOptions(check, ".", check.image === null ? "." : FOLDER_INSIDE)));
    case "kani":
      return inFolder(check.folder, kaniCommand(kaniOptions(check)));
  }
}

function placed(
  { folder, image, tool }: Extract<ProofCheck, { image: string | null }>,
  profile: ProofsProfile,
  command: readonly string[],
): string {
  return image === null
    ? inFolder(folder, command)
    : inImage(folder, image, profile, command, tool === "tlaps" ? "/tmp" : FOLDER_INSIDE);
}

/** Fetched and checked as the runner does it; upstream may have moved the file since. */
function fetched(name: string, profile: ProofsProfile, command: string): string {
  const { url, sha256 } = profile.downloads[name]!;
  return `jar=$(mktemp) && curl -fsSLo "$jar" ${shellQuoted(url)} && echo "${sha256}  $jar" | sha256sum -c && ${command}`;
}

const inFolder = (folder: string, command: readonly string[]): string =>
  folder === "." ? typed(command) : `(cd ${shellQuoted(folder)} && ${typed(command)})`;

function inImage(
  folder: string,
  name: string,
  profile: ProofsProfile,
  command: readonly string[],
  workingFolder?: string,
): string {
  const { source } = profile.images[name]!;
  const image =
    source.from === "registry" ? shellQuoted(source.reference) : `"$(docker build -q ${shellQuoted(source.folder)})"`;
  const mount = folder === "." ? '"$PWD"' : `"$PWD"/${shellQuoted(folder)}`;
  const working = workingFolder === undefined ? "" : ` -w ${workingFolder}`;
  return `docker run --rm -v ${mount}:${FOLDER_INSIDE}:ro${working} ${image} ${typed(command)}`;
}

const typed = (command: readonly string[]): string => command.map((word) => MADE[word] ?? shellQuoted(word)).join(" ");
