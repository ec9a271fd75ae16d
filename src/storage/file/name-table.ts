/** One byte holds the code of a name. */
const MOST_NAMES = 256;

/** Gives the few names that events repeat (kinds, sources) a code of one byte. */
export class NameTable {
  private readonly names: string[] = [];
  private readonly codes = new Map<string, number>();

  /** The code of a name, or undefined when it has none and none is left: then the log is not one of ours. */
  codeOf(name: string): number | undefined {
    const known = this.codes.get(name);
    if (known !== undefined || this.names.length === MOST_NAMES) return known;
    // Cut out of a longer string a name would keep all of it in memory.
    const own = Buffer.from(name).toString();
    if (own !== name) return undefined; // half a surrogate pair
    this.codes.set(own, this.names.length);
    return this.names.push(own) - 1;
  }

  nameOf(code: number): string {
    return this.names[code] ?? '';
  }
}
