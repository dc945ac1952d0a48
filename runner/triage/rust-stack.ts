/**
 * What broke in a Rust program, read from what it printed, in a form that is the same for the same bug.
 *
 * The same panic comes with other addresses, hashes, line numbers and values each time, below twenty frames
 * of panic machinery and above ten of the harness. What is left after taking those away identifies the bug:
 * its type, its message without values, and the top frames of the project's own code.
 */

/** Frames that go into the exact signature: more make one bug look like several, fewer the other way round. */
const EXACT_FRAMES = 3;
const MAX_MESSAGE_LENGTH = 160;

export interface RustStack {
  /** `panic`, `heap-buffer-overflow`, `memory leak`, `timeout`, `out-of-memory`, … */
  readonly type: string;
  /** Without values; empty when the program gave none. */
  readonly message: string;
  /** Functions of the program itself and of its libraries, the innermost first. */
  readonly frames: readonly string[];
}

export interface StackSignature {
  /** One bug. */
  readonly exact: string;
  /** Bugs at one place: looked at together. */
  readonly group: string;
}

/** Undefined when the text tells of no breakdown. */
export function rustStack(text: string): RustStack | undefined {
  const panic = panicMessage(text);
  const sanitizer = sanitizerType(text);
  if (panic === undefined && sanitizer === undefined) return undefined;
  // A panic under libFuzzer ends in abort(), which is reported as a deadly signal as well.
  const isPanic = panic !== undefined && (sanitizer === undefined || sanitizer === "deadly signal");
  return {
    type: isPanic ? "panic" : (sanitizer ?? "panic"),
    message: isPanic ? normalMessage(panic) : "",
    frames: ownFrames(framesIn(text)),
  };
}

export function signatureOf({ type, message, frames }: RustStack): StackSignature {
  // Where the alarm or the limit catches the program is chance: the target alone identifies these.
  if (type === "timeout" || type === "slow unit") return { exact: type, group: type };
  const place = (count: number): string => (frames.length === 0 ? "" : ` in ${frames.slice(0, count).join(" < ")}`);
  return {
    exact: `${type}${place(EXACT_FRAMES)}${message === "" ? "" : `: ${message}`}`,
    // Without a frame the message is all there is to tell bugs apart.
    group: frames.length === 0 && message !== "" ? `${type}: ${message}` : `${type}${place(1)}`,
  };
}

/** The new form has the message on lines of its own, the old one (before Rust 1.73) in quotes. */
function panicMessage(text: string): string | undefined {
  const old = /^thread '[^']*' panicked at '([\s\S]*?)', \S+:\d+:\d+$/m.exec(text);
  if (old !== null) return old[1]?.split("\n")[0];
  const match = /^thread '[^']*'(?: \(\d+\))? panicked at [^\n]+:\d+:\d+:\n(.*)$/m.exec(text);
  return match?.[1];
}

function sanitizerType(text: string): string | undefined {
  if (/ERROR: LeakSanitizer: detected memory leaks/.test(text)) return "memory leak";
  const address = /ERROR: (?:Address|Memory|Thread|UndefinedBehavior)Sanitizer: ([A-Za-z-]+)/.exec(text)?.[1];
  if (address !== undefined) return address;
  return /ERROR: libFuzzer: (timeout|out-of-memory|deadly signal|fuzz target exited)/.exec(text)?.[1];
}

/** Takes away what differs between two hits of one bug. */
export function normalMessage(message: string): string {
  return message
    .replace(/"(?:[^"\\]|\\.)*"/g, '"…"')
    .replace(/'(?:[^'\\]|\\.)'/g, "'…'")
    .replace(/\[[^[\]]*\]/g, "[…]")
    .replace(/\b0x[0-9a-fA-F]+\b/g, "ADDRESS")
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, "ID")
    .replace(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{16,}\b/g, "ID")
    .replace(/(?<![\w.])-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?/g, "N")
    .trim()
    .slice(0, MAX_MESSAGE_LENGTH);
}

interface Frame {
  readonly symbol: string;
  /** File or module; empty when unknown. */
  readonly place: string;
}

/** The first stack that was printed: a sanitizer's (`#0 0x… in`), else Rust's own. */
function framesIn(text: string): Frame[] {
  const sanitizer = blockOf(text.split("\n").map((line) => SANITIZER_FRAME.exec(line)));
  if (sanitizer.length > 0) return sanitizer.map((match) => splitPlace(match[2] ?? ""));
  const frames: Frame[] = [];
  for (const line of text.split("\n")) {
    const at = /^ {10,}at (\S.*)$/.exec(line)?.[1];
    const last = frames.at(-1);
    if (at !== undefined && last !== undefined) frames[frames.length - 1] = { ...last, place: at };
    const match = /^ {1,4}(\d+): +(?:0x[0-9a-f]+ - )?(\S.*)$/.exec(line);
    if (match === null) continue;
    if (match[1] === "0" && frames.length > 0) break;
    frames.push({ symbol: match[2] ?? "", place: "" });
  }
  return frames;
}

const SANITIZER_FRAME = /^ {2,}#(\d+) 0x[0-9a-f]+ *(?:in )?(.*)$/;

/** From the first #0 to the next. */
function blockOf(matches: readonly (RegExpExecArray | null)[]): RegExpExecArray[] {
  const block: RegExpExecArray[] = [];
  for (const match of matches) {
    if (match === null) continue;
    if (match[1] === "0" && block.length > 0) break;
    block.push(match);
  }
  return block;
}

/** `FUNCTION PATH:LINE:COLUMN`, where the function may have spaces of its own. */
function splitPlace(text: string): Frame {
  const withoutBuild = text.replace(/ \(BuildId: [0-9a-f]+\)$/, "");
  const match = /^(.*?) ?(\(\S+\+0x[0-9a-f]+\)|\S+:\d+(?::\d+)?|\S+-cgu\.\d+)$/.exec(withoutBuild);
  return match === null ? { symbol: withoutBuild, place: "" } : { symbol: match[1] ?? "", place: match[2] ?? "" };
}

/** From here on the stack belongs to the harness. */
const HARNESS =
  /^(rust_fuzzer_test_input|LLVMFuzzerTestOneInput|main|_start|start_thread|clone3?|__libc_start\w*)$|__rust_begin_short_backtrace|^std::rt::lang_start/;
/** Code that a breakdown passes through, wherever it comes from. */
const MACHINERY_PLACE =
  /(^|\/)rustc\/[^/]+\/(library|compiler)?|\/library\/(std|core|alloc|panic_unwind|proc_macro|test)\/|compiler-rt|\/libfuzzer-sys-|(^|\/)(nptl|stdlib|signal|sysdeps|csu|time|malloc|string|misc|io)\/|\/(lib|usr)\/\S*(libc|libpthread|libgcc_s|ld-linux)/;
const MACHINERY_SYMBOL =
  /^<?(std|core|alloc|backtrace|panic_unwind|libfuzzer_sys|fuzzer|compiler_builtins)::|^<dyn |^(rust_panic|rust_begin_unwind|__rust|rust_oom|__sanitizer|__interceptor|__asan|__lsan|__ubsan|__GI_|__pthread|__rg_|__rdl_)|^(raise|abort|gsignal|malloc|calloc|realloc|free|memcpy|memmove|memset|operator new|operator delete)\b/;

function ownFrames(frames: readonly Frame[]): string[] {
  const harnessAt = frames.findIndex(({ symbol }) => HARNESS.test(symbol));
  return frames
    .slice(0, harnessAt === -1 ? frames.length : harnessAt)
    .filter(({ symbol, place }) => symbol !== "" && !MACHINERY_PLACE.test(place) && !MACHINERY_SYMBOL.test(symbol))
    .map(normalFrame);
}

function normalFrame({ symbol, place }: Frame): string {
  const plain = withoutGenerics(
    symbol
      .replace(/::h[0-9a-f]{16}$/, "")
      .replace(/\[[0-9a-f]{8,}\]/g, "")
      .replace(/\{\{closure\}\}|\{closure(?:_env)?#\d+\}/g, "{closure}")
      .replace(/\{impl#\d+\}/g, "{impl}")
      .replace(/::_::__libfuzzer_sys_run$/, "::fuzz_target"),
  ).replace(/(?<=\w)\([^)]*\)$/, ""); // parameters of C++
  // An inlined closure has lost its function: its file is what is left.
  return plain === "{closure}" ? `${/([^/]+)\.rs/.exec(place)?.[1] ?? "?"}::{closure}` : plain;
}

/** `a::b::<T, U>` and `Vec<T>` without what is in angles; `<T as Trait>::f` keeps its outer pair. */
function withoutGenerics(symbol: string): string {
  let depth = 0;
  let isQualified = false;
  let plain = "";
  for (const [at, character] of symbol.split("").entries()) {
    if (character === "<") {
      if (at === 0) isQualified = true;
      else depth += 1;
      if (at !== 0) continue;
    }
    if (character === ">" && depth > 0 && symbol[at - 1] !== "-") {
      depth -= 1;
      continue;
    }
    if (character === ">" && depth === 0) isQualified = false;
    if (depth === 0) plain += character;
  }
  return isQualified ? symbol : plain.replaceAll(/::(?=::|$)/g, "");
}
