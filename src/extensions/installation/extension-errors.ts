import { GitFetchError, GitFetchTimeoutError } from '../../git/index.js';

/** Where an extension should come from cannot be had or is no source. Answered with 400. */
export class SourceUnavailableError extends Error {
  override readonly name = 'SourceUnavailableError';
}

/** A source took too long to fetch. */
export class FetchTimeoutError extends SourceUnavailableError {}

/** @throws SourceUnavailableError for what git cannot fetch */
export async function fromGit<T>(fetching: Promise<T>): Promise<T> {
  try {
    return await fetching;
  } catch (error) {
    if (error instanceof GitFetchTimeoutError) throw new FetchTimeoutError(error.message);
    throw error instanceof GitFetchError ? new SourceUnavailableError(error.message) : error;
  }
}

/** What was fetched is not an extension of its kind, or not one that may be installed. Answered with 422. */
export class InvalidExtensionError extends Error {
  override readonly name = 'InvalidExtensionError';
}

/** It is installed already. Answered with 409. */
export class ExtensionExistsError extends Error {
  override readonly name = 'ExtensionExistsError';
}

/** There is none with that name. Answered with 404. */
export class NotInstalledError extends Error {
  override readonly name = 'NotInstalledError';
  /** @param what `Skill`, for example */
  constructor(what: string, name: string) {
    super(`${what} '${name}' is not installed`);
  }
}
