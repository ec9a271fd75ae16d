import { DomainError } from '../errors/index.js';

/** A request names an entry that is not stored. */
export abstract class MissingEntryError extends DomainError {
  readonly kind = 'not-found';
}

/** A request conflicts with what is stored. */
export abstract class SettingsConflictError extends DomainError {
  readonly kind = 'conflict';
}

/** A well-formed value cannot be stored or used. */
export class RefusedSettingsError extends DomainError {
  override readonly name: string = 'RefusedSettingsError';
  readonly kind = 'invalid';
}

const KEY_HINT =
  'corrupted or encrypted with a different key: restore that key as OH_SECRET_KEY or add it to OH_PREVIOUS_SECRET_KEYS';

/** A file is damaged, or no key decrypts its secrets. */
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

/** The name is already in use. */
export class EntryExistsError extends SettingsConflictError {
  override readonly name = 'EntryExistsError';
  /** @param what `MCP server`, `Profile` and so on */
  constructor(what: string, name: string) {
    super(`${what} '${name}' already exists`);
  }
}

/** The maximum number of entries is reached. */
export class LimitReachedError extends SettingsConflictError {
  override readonly name = 'LimitReachedError';
}

/** An entry cannot be deleted because others refer to it. */
export class StillReferencedError extends SettingsConflictError {
  override readonly name = 'StillReferencedError';
}

/** The LLM profile does not exist. */
export class ProfileNotFoundError extends MissingEntryError {
  override readonly name = 'ProfileNotFoundError';
  constructor(profile: string) {
    super(`Profile '${profile}' not found`);
  }
}

/** The agent profile, meta-profile, connection, server, secret or workspace does not exist. */
export class NoSuchEntryError extends MissingEntryError {
  override readonly name = 'NoSuchEntryError';
}

/** The name is not valid for a profile. */
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

/** A model refers to a provider connection that does not exist. */
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
