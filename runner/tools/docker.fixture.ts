/**
 * A stand-in `docker` that keeps "containers" as real processes and writes down how it was called: no daemon runs
 * where these tests run.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * `run` starts its command detached in a session of its own, so that ending the client does not end it, as
 * with a real daemon; the container is noted once it is there. `stop` ends it, unless the file `deaf` says that it
 * ignores SIGTERM and the stop hangs. What is mounted is found where it is: the folder inside is replaced by the one
 * outside.
 */
const STAND_IN = `#!/bin/bash
state=$(dirname "$0")/state
echo "$*" >> "$state/calls"
verb=$1; shift
case $verb in
  version) [ -e "$state/hung" ] && sleep 30; if [ -e "$state/no-daemon" ]; then
      echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1
    fi; echo linux/amd64 ;;
  image) sub=$1; shift; image=\${@: -1}; case $sub in
      ls) [ "$1" = --filter ] || exit 64; label=\${2#label=}
        for one in "$state/image-$image":*; do
          [ -e "$one" ] && [ "$(cat "\${one/image-/label-}" 2>/dev/null)" = "$label" ] && basename "$one" | sed s/image-//
        done; exit 0 ;;
      rm) [ -e "$state/used-$image" ] && { echo "Error response from daemon: conflict: it is used by a container" >&2; exit 1; }
        rm "$state/image-$image"; echo "Untagged: $image"; exit 0 ;;
      *) [ -e "$state/image-$image" ] && cat "$state/image-$image" && exit 0 ;;
    esac
    echo "Error: No such image: $image" >&2; exit 1 ;;
  pull) echo "Pulling from a stand-in"; image=\${@: -1}; [ -e "$state/unreachable" ] && { echo "Error response from daemon: no route" >&2; exit 1; }
    echo "linux/amd64 sha256:pulled" > "$state/image-$image" ;;
  build) [ "$1" = -q ] && { echo sha256:built; exit 0; }
    echo "Step 1/1 : FROM a stand-in"; while [ "$1" != --tag ]; do shift; done; echo "linux/amd64 sha256:built" > "$state/image-$2"
    [ "$3" = --label ] && echo "$4" > "$state/label-$2"; exit 0 ;;
  ps) [ -e "$state/no-daemon" ] && { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
    for one in "$state"/container-*; do [ -e "$one" ] && basename "$one" | sed s/container-//; done; exit 0 ;;
  run) name=unnamed-$$; while [ $# -gt 0 ]; do case $1 in
      --name) name=$2; shift 2 ;;
      --mount) outside=\${2#*source=}; outside=\${outside%%,*}; inside=\${2#*target=}; inside=\${inside%%,*}; shift 2 ;;
      -v) outside=\${2%%:*}; inside=\${2#*:}; inside=\${inside%%:*}; shift 2 ;;
      -w|--workdir) folder=$2; shift 2 ;;
      --label|--pull|--network|--memory|--platform|--entrypoint) shift 2 ;;
      --init|--rm) shift ;;
      *) break ;;
    esac; done
    shift
    [ -n "$inside" ] && { set -- "\${@//"$inside"/$outside}"; folder=\${folder//"$inside"/$outside}; }
    [ -d "$folder" ] && cd "$folder"
    setsid sh -c 'echo $$ > "$0"; exec "$@"' "$state/container-$name" "$@" > "$state/out-$name" 2>&1 < /dev/null &
    wait $!; code=$?; cat "$state/out-$name"; exit $code ;;
  stop) name=\${@: -1}; [ -e "$state/deaf" ] && { sleep 30; exit 1; }
    [ -e "$state/container-$name" ] || { echo "Error response from daemon: No such container: $name" >&2; exit 1; }
    kill -TERM -- -$(cat "$state/container-$name") 2>/dev/null; exit 0 ;;
  kill) name=$1; kill -KILL -- -$(cat "$state/container-$name") 2>/dev/null; exit 0 ;;
  rm) name=\${@: -1}; [ -e "$state/stuck" ] && { echo "Error response from daemon: device is busy" >&2; exit 1; }
    kill -KILL -- -$(cat "$state/container-$name") 2>/dev/null; rm -f "$state/container-$name"; exit 0 ;;
  *) echo "unknown command $verb" >&2; exit 64 ;;
esac
`;

export interface StandInDocker {
  readonly program: string;
  /**
   * A file of its state: of an image `image-NAME`, `label-NAME` and `used-NAME`; of a container `container-NAME` (its
   * process); `deaf`, `stuck`, `no-daemon`, `hung`, `unreachable`.
   */
  readonly state: (name: string) => string;
  readonly calls: () => string[];
  /** Ends what a failing test left behind: only processes that this stand-in noted. */
  readonly end: () => void;
}

export function standInDocker(folder: string): StandInDocker {
  const program = join(folder, "docker");
  const state = (name: string): string => join(folder, "state", name);
  mkdirSync(join(folder, "state"));
  writeFileSync(program, STAND_IN);
  chmodSync(program, 0o755);
  return {
    program,
    state,
    calls: () => readFileSync(state("calls"), "utf8").trimEnd().split("\n"),
    end: () => {
      for (const name of readdirSync(join(folder, "state")).filter((one) => one.startsWith("container-"))) {
        try {
          process.kill(-Number(readFileSync(state(name), "utf8")), "SIGKILL");
        } catch {
          // it has ended
        }
      }
    },
  };
}
