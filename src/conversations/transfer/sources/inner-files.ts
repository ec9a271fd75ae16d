import type { SourceEntry, SourceFiles } from './source-files.js';

/** A folder inside the folder of a conversation. */
export class InnerFiles implements SourceFiles {
  readonly label: string;
  readonly name: string;

  constructor(
    private readonly outer: SourceFiles,
    private readonly root: string,
  ) {
    this.label = `${outer.label}/${root}`;
    this.name = root.split('/').at(-1) ?? '';
  }

  list(folder: string): Promise<SourceEntry[]> {
    return this.outer.list(folder === '' ? this.root : `${this.root}/${folder}`);
  }

  read(file: string, maxBytes: number): Promise<Buffer | undefined> {
    return this.outer.read(`${this.root}/${file}`, maxBytes);
  }
}
