import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { Cipher, decryptSecrets } from '../crypto/index.js';
import { errorCode } from '../errors/index.js';

const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** No profile can have this name. */
export class InvalidProfileNameError extends Error {
  override readonly name = 'InvalidProfileNameError';
  constructor(profile: string) {
    super(
      `Invalid profile name: '${profile.slice(0, 100)}'. Use 1 to 64 letters, digits, '.', '_' and '-'; ` +
        'the first is a letter or a digit.',
    );
  }
}

/** There is no such profile. */
export class ProfileNotFoundError extends Error {
  override readonly name = 'ProfileNotFoundError';
  constructor(profile: string) {
    super(`Profile '${profile}' not found`);
  }
}

/** A stored profile cannot be used. */
export class UnusableProfileError extends Error {
  override readonly name = 'UnusableProfileError';
}

/** Reads LLM profiles: one JSON file each, in the folder and format that other OpenHands programs use. */
@Injectable()
export class LlmProfiles {
  constructor(
    private readonly cipher: Cipher,
    /** Absolute path of the folder with the files. */
    private readonly folder: string,
  ) {}

  /**
   * The fields of the LLM of a profile, secrets in clear; those that no key of ours opens are null. A `.json` behind the
   * name is passed over.
   * @throws InvalidProfileNameError, ProfileNotFoundError, UnusableProfileError
   */
  async load(name: string): Promise<{ name: string; llm: Record<string, unknown> }> {
    const plain = name.replace(/\.json$/, '');
    if (!PROFILE_NAME.test(plain)) throw new InvalidProfileNameError(name);
    const stored = parsed(plain, await this.read(plain));
    const { schema_version: _version, ...llm } = stored;
    return { name: plain, llm: decryptSecrets(llm, this.cipher).value };
  }

  /** The names of all profiles, sorted. */
  async names(): Promise<string[]> {
    const files = await readdir(this.folder).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    return files
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .filter((name) => PROFILE_NAME.test(name))
      .sort();
  }

  private async read(name: string): Promise<string> {
    try {
      return await readFile(path.join(this.folder, `${name}.json`), 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw new ProfileNotFoundError(name);
      throw error;
    }
  }
}

function parsed(name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below: the text may hold secrets, so that nothing of it is repeated.
  }
  throw new UnusableProfileError(`Profile '${name}' is not a JSON object`);
}
