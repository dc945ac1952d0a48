/** Reads a resource's inputs by kind; a value of another kind is an error, so that nothing is left out in silence. */

export class Inputs {
  readonly #what: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #unread: Set<string>;

  constructor(what: string, values: Readonly<Record<string, unknown>>) {
    this.#what = what;
    this.#values = values;
    this.#unread = new Set(Object.keys(values));
  }

  /** Undefined when it is not given. */
  maybe(name: string): unknown {
    this.#unread.delete(name);
    return this.#values[name] ?? undefined;
  }

  text(name: string): string {
    const value = this.maybe(name);
    if (typeof value !== "string") throw this.#unfit(name, value, "a text");
    return value;
  }

  number(name: string): number {
    const value = this.maybe(name);
    if (typeof value !== "number") throw this.#unfit(name, value, "a number");
    return value;
  }

  flag(name: string): boolean {
    const value = this.maybe(name);
    if (typeof value !== "boolean") throw this.#unfit(name, value, "a boolean");
    return value;
  }

  texts(name: string): string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== "string") throw this.#unfit(name, value, "a list of texts");
      return value;
    });
  }

  part(name: string): Inputs {
    return this.#partOf(name, this.maybe(name));
  }

  parts(name: string): Inputs[] {
    return this.#list(name).map((value) => this.#partOf(name, value));
  }

  /** As the tag lists of most services. */
  tags(): { Key: string; Value: string }[] {
    return this.record("tags").map(([Key, Value]) => ({ Key, Value }));
  }

  /** Names and texts. */
  record(name: string): [string, string][] {
    const value = this.maybe(name) ?? {};
    if (typeof value !== "object") throw this.#unfit(name, value, "a record");
    return Object.entries(value).map(([key, text]): [string, string] => {
      if (typeof text !== "string") throw this.#unfit(`${name}.${key}`, text, "a text");
      return [key, text];
    });
  }

  /** Known, and nothing that the emulator keeps or that this engine has to do. */
  skip(...names: readonly string[]): void {
    for (const name of names) this.#unread.delete(name);
  }

  /** Every input has been looked at: a new one must not go unnoticed. */
  end(): void {
    if (this.#unread.size > 0) {
      throw new Error(`${this.#what}: the test's engine does not carry over ${[...this.#unread].join(", ")}`);
    }
  }

  #list(name: string): unknown[] {
    const value = this.maybe(name) ?? [];
    if (!Array.isArray(value)) throw this.#unfit(name, value, "a list");
    return value;
  }

  #partOf(name: string, value: unknown): Inputs {
    if (typeof value !== "object" || value === null) throw this.#unfit(name, value, "an object");
    return new Inputs(`${this.#what}.${name}`, value as Record<string, unknown>);
  }

  #unfit(name: string, value: unknown, wanted: string): Error {
    return new Error(
      `${this.#what}: ${name} is ${value === undefined ? "missing" : JSON.stringify(value)}, not ${wanted}`,
    );
  }
}

export interface Applied {
  readonly id: string;
  /** What AWS adds to the inputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export type Apply = (inputs: Inputs) => Promise<Applied>;
export type Invoke = (inputs: Inputs) => Promise<Record<string, unknown>>;
