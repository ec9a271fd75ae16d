import type { JsonObject } from '../../json/index.js';
import { PROFILE_NAME } from '../dto/profile-name.js';
import { EntryExistsError, LimitReachedError } from '../settings-errors.js';
import { DamagedDocumentError, type DocumentWriter, type Documents } from '../../storage/index.js';

const LIMIT = 50;
/** Files that are read at most: foreign files in the folder must not make requests slow. */
const MAX_FILES = 200;

/** Named objects of one kind, one file each. Callers must validate names. */
export class NamedDocuments {
  /**
   * @param what for error messages, such as `Agent profile`
   * @param noun for `Delete a profile`
   */
  constructor(
    private readonly documents: Documents,
    private readonly directory: string,
    private readonly what: string,
    private readonly noun: string,
  ) {}

  /** All names, sorted. */
  async names(): Promise<string[]> {
    const names = await this.documents.names(this.directory);
    return names.filter((name) => PROFILE_NAME.test(name)).slice(0, MAX_FILES);
  }

  /** @throws DamagedDocumentError, StorageFailedError */
  read(name: string): Promise<JsonObject | undefined> {
    return this.documents.read(this.file(name));
  }

  /** @throws LimitReachedError for a new object beyond the limit; existing ones can always be replaced */
  async write(writer: DocumentWriter, name: string, value: JsonObject): Promise<void> {
    const names = await this.names();
    if (names.length >= LIMIT && !names.includes(name)) {
      const message = `${this.what} limit reached (${LIMIT}). Delete a ${this.noun} before saving a new one.`;
      throw new LimitReachedError(message);
    }
    if (await this.isDamaged(name)) await writer.setAside(this.file(name));
    await writer.write(this.file(name), value);
  }

  private async isDamaged(name: string): Promise<boolean> {
    try {
      await this.read(name);
      return false;
    } catch (error) {
      if (error instanceof DamagedDocumentError) return true;
      throw error;
    }
  }

  /** @throws EntryExistsError if the new name is in use */
  async assertUnused(to: string): Promise<void> {
    if ((await this.names()).includes(to)) throw new EntryExistsError(this.what, to);
  }

  /** Stores a changed object under a new name. */
  async move(writer: DocumentWriter, from: string, to: string, value: JsonObject): Promise<void> {
    await writer.write(this.file(to), value);
    await writer.remove(this.file(from));
  }

  /** Writes a copy of an object that is not one of the objects: its file name ends with a mark. */
  async writeCopy(writer: DocumentWriter, name: string, value: JsonObject, mark: string): Promise<void> {
    await writer.write(`${this.file(name)}.${mark}`, value);
  }

  async remove(writer: DocumentWriter, name: string): Promise<void> {
    await writer.remove(this.file(name));
  }

  /** The absolute path of a file. */
  path(name: string): string {
    return this.documents.placeOf(this.file(name));
  }

  private file(name: string): string {
    return `${this.directory}/${name}.json`;
  }
}
