import { DomainError } from '../errors/index.js';

/** Something that a request names is not among what is stored. */
export abstract class MissingEntryError extends DomainError {
  readonly kind = 'not-found';
}

/** What was asked for does not go together with what is stored. */
export abstract class SettingsConflictError extends DomainError {
  readonly kind = 'conflict';
}

/** What was sent is well-formed, but not something that can be stored or used. */
export class RefusedSettingsError extends DomainError {
  override readonly name: string = 'RefusedSettingsError';
  readonly kind = 'invalid';
}

/** A file cannot be read for what it should be. It is never written over. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
  constructor(
    readonly file: string,
    readonly why: string,
  ) {
    super(`${file} cannot be used: ${why}`);
  }
}

/** A change would make a file larger than one may be. */
export class TooLargeError extends DomainError {
  override readonly name = 'TooLargeError';
  readonly kind = 'too-large';
  constructor(limit: number) {
    super(`Too large: one file of settings holds at most ${limit} bytes`);
  }
}

const KEY_HINT =
  'corrupted or encrypted with a different key: restore that key as OH_SECRET_KEY or add it to OH_PREVIOUS_SECRET_KEYS';

/** A file is damaged, or no key opens what is in it. */
export class UnreadableStoreError extends SettingsConflictError {
  override readonly name = 'UnreadableStoreError';
  /** @param what `Settings file`, for example */
  constructor(what: string) {
    super(`${what} is ${KEY_HINT}`);
  }
}

/** A file without secrets is damaged. */
export class CorruptedStoreError extends SettingsConflictError {
  override readonly name = 'CorruptedStoreError';
  constructor(what: string) {
    super(`${what} is corrupted`);
  }
}

/** A name is taken. */
export class EntryExistsError extends SettingsConflictError {
  override readonly name = 'EntryExistsError';
  /** @param what `MCP server`, `Profile` and so on */
  constructor(what: string, name: string) {
    super(`${what} '${name}' already exists`);
  }
}

/** There are as many of a kind as there may be. */
export class LimitReachedError extends SettingsConflictError {
  override readonly name = 'LimitReachedError';
}

/** Others need what should be deleted. */
export class StillReferencedError extends SettingsConflictError {
  override readonly name = 'StillReferencedError';
}

/** There is no such LLM profile. */
export class ProfileNotFoundError extends MissingEntryError {
  override readonly name = 'ProfileNotFoundError';
  constructor(profile: string) {
    super(`Profile '${profile}' not found`);
  }
}

/** There is no such agent profile, meta-profile, connection, server, secret or workspace. */
export class NoSuchEntryError extends MissingEntryError {
  override readonly name = 'NoSuchEntryError';
}

/** No profile can have this name. */
export class InvalidProfileNameError extends DomainError {
  override readonly name = 'InvalidProfileNameError';
  readonly kind = 'rejected';
  constructor(profile: string) {
    super(
      `Invalid profile name: '${profile.slice(0, 100)}'. Use 1 to 64 letters, digits, '.', '_' and '-'; ` +
        'the first is a letter or a digit.',
    );
  }
}

/** A stored profile cannot be used. */
export class UnusableProfileError extends DomainError {
  override readonly name = 'UnusableProfileError';
  readonly kind = 'rejected';
}

/** A model refers to a provider connection that is not there. */
export class DanglingConnectionError extends RefusedSettingsError {
  override readonly name = 'DanglingConnectionError';
  /** @param subject `Profile 'x'`, for example */
  constructor(subject: string, connection: string) {
    super(
      `${subject} references provider connection '${connection}', which does not exist. ` +
        'Update the profile or recreate the connection.',
    );
  }
}
