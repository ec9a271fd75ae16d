import { ConflictException } from '@nestjs/common';
import { DamagedDocumentError } from '../../storage/index.js';
import { InvalidExtensionError, SourceUnavailableError } from './extension-errors.js';

/** Texts of the original that precede the reason of an error; empty for none. */
interface ErrorPrefixes {
  unavailable: string;
  invalid: string;
}

/**
 * Adapts errors of an installation to the original's answers.
 * @throws SourceUnavailableError, InvalidExtensionError with the prefix; HttpException 409 for a damaged
 *   file; other errors unchanged
 */
export async function withErrorPrefixes<T>(prefixes: ErrorPrefixes, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SourceUnavailableError)
      throw new SourceUnavailableError(prefixed(prefixes.unavailable, error));
    if (error instanceof InvalidExtensionError)
      throw new InvalidExtensionError(prefixed(prefixes.invalid, error));
    if (error instanceof DamagedDocumentError) throw new ConflictException(error.message);
    throw error;
  }
}

/** Appends the reason: after a colon, otherwise in parentheses. */
function prefixed(text: string, { message }: Error): string {
  if (text === '') return message;
  return text.endsWith(':') ? `${text} ${message}` : `${text} (${message})`;
}
