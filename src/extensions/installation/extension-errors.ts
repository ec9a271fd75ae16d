import { DomainError, NotFoundError } from '../../errors/index.js';
import { GitFetchError, GitFetchTimeoutError } from '../../git/index.js';

/** The source of an extension is unavailable or invalid. */
export class SourceUnavailableError extends DomainError {
  override readonly name = 'SourceUnavailableError';
  readonly kind = 'rejected';
}

/** Fetching a source timed out. */
export class FetchTimeoutError extends SourceUnavailableError {}

/** Maps git errors. @throws SourceUnavailableError, FetchTimeoutError */
export async function mapGitErrors<T>(fetching: Promise<T>): Promise<T> {
  try {
    return await fetching;
  } catch (error) {
    if (error instanceof GitFetchTimeoutError) throw new FetchTimeoutError(error.message);
    throw error instanceof GitFetchError ? new SourceUnavailableError(error.message) : error;
  }
}

/** What was fetched is not a valid extension of its kind. */
export class InvalidExtensionError extends DomainError {
  override readonly name = 'InvalidExtensionError';
  readonly kind = 'invalid';
}

/** There is no installed extension with this name. @param kind label of the kind, such as `Skill` */
export function notInstalled(kind: string, name: string): NotFoundError {
  return new NotFoundError(`${kind} '${name}' is not installed`);
}
