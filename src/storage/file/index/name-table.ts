/** One byte holds the code of a name. */
const MOST_NAMES = 256;

/** Gives the few names that events repeat (kinds, sources) a code of one byte. */
export class NameTable {
  /**
   * @param names a few: looking through them takes no longer than a hash, and a `Map` takes more memory than
   * all of them
   */
  constructor(private readonly names: string[] = []) {}

  /** A copy of all names, each at the place that is its code. */
  list(): string[] {
    return [...this.names];
  }

  /** The code of a name, or undefined when it has none and none is left: then the log is not one of ours. */
  codeOf(name: string): number | undefined {
    const known = this.names.indexOf(name);
    if (known !== -1) return known;
    if (this.names.length === MOST_NAMES) return undefined;
    // Cut out of a longer string a name would keep all of it in memory.
    const own = Buffer.from(name).toString();
    if (own !== name) return undefined; // half a surrogate pair
    return this.names.push(own) - 1;
  }

  /** The code that a name has already. */
  find(name: string): number | undefined {
    const code = this.names.indexOf(name);
    return code === -1 ? undefined : code;
  }

  nameOf(code: number): string {
    return this.names[code] ?? '';
  }
}
