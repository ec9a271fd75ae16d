import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { errorCode, errorMessage } from '../errors/index.js';

/** A user has 50 at most; what else lies in the folder must not make a request slow. */
const MAX_FILES = 200;

/** An agent profile as it is stored. Of its fields only these are certain. */
export type AgentProfile = Readonly<Record<string, unknown>> & { id: string; name: string };

/** Reads agent profiles: one JSON file each, in the folder and format that other OpenHands programs use. */
@Injectable()
export class AgentProfiles {
  private readonly logger = new Logger('AgentProfiles');

  constructor(
    /** Absolute path of the folder with the files. */
    private readonly folder: string,
  ) {}

  /** The profile of this id, however its file is called; undefined: there is none. */
  async find(id: string): Promise<AgentProfile | undefined> {
    for (const file of await this.files()) {
      const profile = await this.read(file);
      if (profile?.id === id) return profile;
    }
    return undefined;
  }

  private async files(): Promise<string[]> {
    try {
      const names = await readdir(this.folder);
      return names.filter((name) => name.endsWith('.json')).slice(0, MAX_FILES);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** One that cannot be read is no reason to miss the others. */
  private async read(file: string): Promise<AgentProfile | undefined> {
    try {
      const value: unknown = JSON.parse(await readFile(path.join(this.folder, file), 'utf8'));
      return isProfile(value) ? value : undefined;
    } catch (error) {
      // Not the text of a parser: it repeats what it read.
      const why = error instanceof SyntaxError ? 'it is not JSON' : errorMessage(error);
      this.logger.warn(`agent profile ${file} cannot be read: ${why}`);
      return undefined;
    }
  }
}

function isProfile(value: unknown): value is AgentProfile {
  if (typeof value !== 'object' || value === null) return false;
  return 'id' in value && typeof value.id === 'string' && 'name' in value && typeof value.name === 'string';
}
