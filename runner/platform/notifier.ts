/** Tells people: the digest once a cycle, critical news at most once an hour. */

export interface Notice {
  readonly kind: "digest" | "critical";
  readonly subject: string;
  readonly body: string;
}

export interface Notifier {
  /**
   * Resolves when the notice was really handed over; rejects when it was not, in bounded time. `signal` ends
   * the attempt.
   */
  notify(notice: Notice, signal?: AbortSignal): Promise<void>;
}

/** Prints a notice, as the laptop's runner does. */
export function consoleNotifier(write: (text: string) => void): Notifier {
  return {
    notify(notice) {
      write(`${notice.kind === "critical" ? `${notice.subject}\n` : ""}${notice.body}\n`);
      return Promise.resolve();
    },
  };
}
