/** MIME types by the end of a key, so that a browser shows a digest instead of downloading it. */
const BY_ENDING: readonly (readonly [string, string])[] = [
  [".json", "application/json"],
  [".jsonl", "application/x-ndjson"],
  [".md", "text/markdown; charset=utf-8"],
  [".txt", "text/plain; charset=utf-8"],
  [".log", "text/plain; charset=utf-8"],
  [".html", "text/html; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".tar.gz", "application/gzip"],
  [".gz", "application/gzip"],
];

export function contentTypeOf(key: string): string {
  return BY_ENDING.find(([ending]) => key.endsWith(ending))?.[1] ?? "application/octet-stream";
}
