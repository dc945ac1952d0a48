/**
 * Which programs come with the packages of Amazon Linux that the set-up installs, as far as the tests ask: the one
 * place where that is written down, since dnf is a stand-in here. Those of a package's own dependencies are listed
 * with it (binutils come with gcc, git-core with git).
 */
export const PROGRAMS_OF_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  clang: ["clang", "clang++"],
  cmake: ["cmake"],
  docker: ["docker", "dockerd"],
  gcc: ["gcc", "cc", "ar", "ld"],
  "gcc-c++": ["g++", "c++"],
  git: ["git"],
  "java-17-amazon-corretto-headless": ["java"],
  llvm: ["llvm-symbolizer"],
  make: ["make"],
  perl: ["perl"],
  "pkgconf-pkg-config": ["pkg-config"],
};

/** Body of a stand-in for dnf: of each package that it is asked for, the programs. */
export const DNF = `mkdir -p "$KIMTEST_ROOT/usr/bin"
for word in "$@"; do
  case "$word" in
${Object.entries(PROGRAMS_OF_PACKAGES)
  .map(([name, programs]) => `    ${name}) set -- ${programs.join(" ")} ;;`)
  .join("\n")}
    *) continue ;;
  esac
  for program in "$@"; do install -m 0755 /dev/null "$KIMTEST_ROOT/usr/bin/$program"; done
done
touch "$KIMTEST_ROOT/packages-installed"`;
