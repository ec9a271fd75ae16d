import { Injectable, Logger } from '@nestjs/common';
import type { JsonObject } from '../../json/index.js';
import { currentProfile, losesSomething } from '../store/older-files.js';
import { DamagedFileError, NoSuchEntryError, UnusableProfileError } from '../settings-errors.js';
import { NamedFiles } from '../store/named-files.js';
import { type FolderWriter, PersistenceFolder } from '../store/persistence-folder.js';

/** An agent profile as it is stored. Of its fields only these are certain. */
export type AgentProfile = Readonly<Record<string, unknown>> & { id: string; name: string };

/** Agent profiles: one JSON file each, in the folder and format that other OpenHands programs use. */
@Injectable()
export class AgentProfiles {
  private readonly logger = new Logger('AgentProfiles');
  private readonly files: NamedFiles;

  constructor(folder: PersistenceFolder) {
    this.files = new NamedFiles(folder, 'agent-profiles', 'Agent profile', 'profile');
  }

  /** The profile of this id, however its file is called; undefined: there is none. */
  async find(id: string): Promise<AgentProfile | undefined> {
    return (await this.all()).find((profile) => profile.id === id);
  }

  /** All profiles that can be read, by the names of their files. */
  async all(): Promise<AgentProfile[]> {
    const names = await this.files.names();
    const profiles = await Promise.all(names.map((name) => this.read(name).catch(() => undefined)));
    return profiles.filter((profile) => profile !== undefined);
  }

  /**
   * @throws NoSuchEntryError, UnusableProfileError
   */
  async load(name: string): Promise<AgentProfile> {
    const profile = await this.read(name);
    if (profile) return profile;
    throw new NoSuchEntryError(`Agent profile '${name}' not found`);
  }

  /**
   * The profile of a name, or undefined.
   * @throws UnusableProfileError
   */
  async read(name: string): Promise<AgentProfile | undefined> {
    try {
      const value = await this.files.read(name);
      // The file counts, not what it says of its name.
      if (value === undefined) return undefined;
      if (isProfile(value)) return { ...currentProfile(value), id: value.id, name };
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      throw this.unusable(name, error.why);
    }
    throw this.unusable(name, 'it has no id and name');
  }

  /** @throws LimitReachedError */
  async save(writer: FolderWriter, profile: AgentProfile): Promise<void> {
    await this.keepOld(writer, profile.name);
    await this.files.write(writer, profile.name, profile);
  }

  /** @throws NoSuchEntryError, UnusableProfileError, EntryExistsError */
  async rename(writer: FolderWriter, from: string, to: string): Promise<void> {
    const profile = await this.load(from);
    await this.files.mayRename(to);
    await this.files.move(writer, from, to, { ...profile, name: to });
  }

  /** Deletes a profile, if there is one. */
  async remove(writer: FolderWriter, name: string): Promise<void> {
    await this.files.remove(writer, name);
  }

  /** The names of those that use an LLM profile, sorted. */
  async usersOf(llmProfile: string): Promise<string[]> {
    return (await this.all()).filter((profile) => refersTo(profile, llmProfile)).map(({ name }) => name);
  }

  /** Those that use an LLM profile follow its new name. */
  async follow(writer: FolderWriter, from: string, to: string): Promise<void> {
    for (const profile of await this.all()) {
      if (refersTo(profile, from)) await this.save(writer, { ...profile, llm_profile_ref: to });
    }
  }

  /** What an older program has said and today has no place is kept beside the profile. */
  private async keepOld(writer: FolderWriter, name: string): Promise<void> {
    const stored = await this.files.read(name).catch(() => undefined);
    if (stored && losesSomething(stored)) await this.files.keep(writer, name, stored, 'old');
  }

  private unusable(name: string, why: string): UnusableProfileError {
    this.logger.warn(`agent profile ${name}.json cannot be read: ${why}`);
    return new UnusableProfileError(`Agent profile '${name}' cannot be used: ${why}`);
  }
}

function refersTo({ llm_profile_ref: ref }: AgentProfile, llmProfile: string): boolean {
  return ref === llmProfile;
}

function isProfile(value: JsonObject): value is AgentProfile {
  return typeof value['id'] === 'string' && typeof value['name'] === 'string';
}
