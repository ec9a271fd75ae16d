import type { JsonObject } from '../../json/index.js';
import { PROFILE_NAME } from '../dto/profile-name.js';
import { DamagedFileError, EntryExistsError, LimitReachedError } from '../settings-errors.js';
import type { FolderWriter, PersistenceFolder } from './persistence-folder.js';

const LIMIT = 50;
/** A user has 50 at most; what else lies in the folder must not make a request slow. */
const MAX_FILES = 200;

/** Objects of one kind, a file each, by name. Names have been checked by whoever asks. */
export class NamedFiles {
  /** @param what `Agent profile`, and `noun` in `Delete a profile` */
  constructor(
    private readonly folder: PersistenceFolder,
    private readonly directory: string,
    private readonly what: string,
    private readonly noun: string,
  ) {}

  /** All names, sorted. */
  async names(): Promise<string[]> {
    const names = await this.folder.names(this.directory);
    return names.filter((name) => PROFILE_NAME.test(name)).slice(0, MAX_FILES);
  }

  /** @throws DamagedFileError, StorageFailedError */
  read(name: string): Promise<JsonObject | undefined> {
    return this.folder.read(this.file(name));
  }

  /** @throws LimitReachedError for one more than there may be; what is there can always be replaced */
  async write(writer: FolderWriter, name: string, value: JsonObject): Promise<void> {
    const names = await this.names();
    if (names.length >= LIMIT && !names.includes(name)) {
      const article = `${this.what} limit reached (${LIMIT}). Delete a ${this.noun} before saving a new one.`;
      throw new LimitReachedError(article);
    }
    if (await this.isDamaged(name)) await writer.setAside(this.file(name));
    await writer.write(this.file(name), value);
  }

  private async isDamaged(name: string): Promise<boolean> {
    try {
      await this.read(name);
      return false;
    } catch (error) {
      if (error instanceof DamagedFileError) return true;
      throw error;
    }
  }

  /** @throws EntryExistsError where there is one of the new name */
  async mayRename(to: string): Promise<void> {
    if ((await this.names()).includes(to)) throw new EntryExistsError(this.what, to);
  }

  /** Puts a changed object under a new name. */
  async move(writer: FolderWriter, from: string, to: string, value: JsonObject): Promise<void> {
    await writer.write(this.file(to), value);
    await writer.remove(this.file(from));
  }

  /**
   * Puts a former object where it is none of the objects any more: beside them, under its name and a mark.
   */
  async keep(writer: FolderWriter, name: string, value: JsonObject, mark: string): Promise<void> {
    await writer.write(`${this.file(name)}.${mark}`, value);
  }

  async remove(writer: FolderWriter, name: string): Promise<void> {
    await writer.remove(this.file(name));
  }

  /** The absolute path of a file. */
  path(name: string): string {
    return this.folder.path(this.file(name));
  }

  private file(name: string): string {
    return `${this.directory}/${name}.json`;
  }
}
