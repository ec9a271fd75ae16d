/** Codes have one byte. */
const MAX_NAMES = 256;

/** Assigns one-byte codes to the few names that events repeat (kinds, sources). */
export class NameTable {
  /**
   * @param names known names by code. An array: with few names a search is as fast as a `Map`, which needs
   *   more memory
   */
  constructor(private readonly names: string[] = []) {}

  /** A copy of all names, by code. */
  list(): string[] {
    return [...this.names];
  }

  /**
   * The code of a name, assigned if needed. Undefined when no code is left, as in a log that we have not
   * written.
   */
  codeOf(name: string): number | undefined {
    const known = this.names.indexOf(name);
    if (known !== -1) return known;
    if (this.names.length === MAX_NAMES) return undefined;
    // A copy: a slice would keep the whole string in memory.
    const own = Buffer.from(name).toString();
    if (own !== name) return undefined; // half a surrogate pair
    return this.names.push(own) - 1;
  }

  /** The code of a known name. */
  find(name: string): number | undefined {
    const code = this.names.indexOf(name);
    return code === -1 ? undefined : code;
  }

  nameOf(code: number): string {
    return this.names[code] ?? '';
  }
}
