import { Injectable, Logger } from '@nestjs/common';
import type { JsonObject } from '../../json/index.js';
import { migrateProfile, losesFields } from '../store/older-files.js';
import { NoSuchEntryError, UnusableProfileError } from '../settings-errors.js';
import { NamedDocuments } from '../store/named-documents.js';
import { DamagedDocumentError, type DocumentWriter, Documents } from '../../storage/index.js';

/** A stored agent profile. Only these fields are validated. */
export type AgentProfile = Readonly<Record<string, unknown>> & { id: string; name: string };

/** Agent profiles, one JSON file each, in the folder and format that other OpenHands programs use. */
@Injectable()
export class AgentProfiles {
  private readonly logger = new Logger('AgentProfiles');
  private readonly files: NamedDocuments;

  constructor(documents: Documents) {
    this.files = new NamedDocuments(documents, 'agent-profiles', 'Agent profile', 'profile');
  }

  /** Finds a profile by id; undefined if it does not exist. */
  async find(id: string): Promise<AgentProfile | undefined> {
    return (await this.all()).find((profile) => profile.id === id);
  }

  /** All readable profiles, sorted by file name. */
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
   * Reads a profile by name; undefined if it does not exist.
   * @throws UnusableProfileError
   */
  async read(name: string): Promise<AgentProfile | undefined> {
    try {
      const value = await this.files.read(name);
      // The file name is used, not the name in the file.
      if (value === undefined) return undefined;
      if (isProfile(value)) return { ...migrateProfile(value), id: value.id, name };
    } catch (error) {
      if (!(error instanceof DamagedDocumentError)) throw error;
      throw this.unusable(name, error.why);
    }
    throw this.unusable(name, 'it has no id and name');
  }

  /** @throws LimitReachedError */
  async save(writer: DocumentWriter, profile: AgentProfile): Promise<void> {
    await this.keepOldFile(writer, profile.name);
    await this.files.write(writer, profile.name, profile);
  }

  /** @throws NoSuchEntryError, UnusableProfileError, EntryExistsError */
  async rename(writer: DocumentWriter, from: string, to: string): Promise<void> {
    const profile = await this.load(from);
    await this.files.assertUnused(to);
    await this.files.move(writer, from, to, { ...profile, name: to });
  }

  /** Deletes a profile if it exists. */
  async remove(writer: DocumentWriter, name: string): Promise<void> {
    await this.files.remove(writer, name);
  }

  /** The names of the profiles that use an LLM profile, sorted. */
  async usersOf(llmProfile: string): Promise<string[]> {
    return (await this.all()).filter((profile) => refersTo(profile, llmProfile)).map(({ name }) => name);
  }

  /** Updates the references to an LLM profile that was renamed. */
  async renameLlmProfile(writer: DocumentWriter, from: string, to: string): Promise<void> {
    for (const profile of await this.all()) {
      if (refersTo(profile, from)) await this.save(writer, { ...profile, llm_profile_ref: to });
    }
  }

  /** Keeps a copy of a file with fields that the current version would lose. */
  private async keepOldFile(writer: DocumentWriter, name: string): Promise<void> {
    const stored = await this.files.read(name).catch(() => undefined);
    if (stored && losesFields(stored)) await this.files.writeCopy(writer, name, stored, 'old');
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
