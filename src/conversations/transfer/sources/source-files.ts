/** An entry of a folder that is read. */
export interface SourceEntry {
  name: string;
  isFolder: boolean;
}

/**
 * The files of a conversation that is read: a folder, or a part of an archive. Nothing of it is ever changed.
 */
export interface SourceFiles {
  /** For people. */
  readonly label: string;
  /** The name of the folder of the conversation; empty if its files are at the top of an archive. */
  readonly name: string;
  /** The absolute path, if it is a folder. What is in an archive is a copy: a lease in it says nothing. */
  readonly folder?: string;
  /** The entries of a folder inside, sorted by name; empty if it is missing. Links and pipes are left out. */
  list(folder: string): Promise<SourceEntry[]>;
  /**
   * The content of a file; undefined if there is no plain file.
   * @throws SourceFileError if it is larger, or cannot be read
   */
  read(file: string, maxBytes: number): Promise<Buffer | undefined>;
}

/** A file of a source cannot be read; the message says why. */
export class SourceFileError extends Error {
  override readonly name = 'SourceFileError';
}
