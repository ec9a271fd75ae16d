import {
  BadRequestException,
  ConflictException,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { DamagedFileError } from '../../settings/settings-errors.js';
import {
  ExtensionExistsError,
  InvalidExtensionError,
  NotInstalledError,
  SourceUnavailableError,
} from './extension-errors.js';

/** What the wire says where something of a kind cannot be installed; the reason follows. */
export interface Refusals {
  unavailable: string;
  invalid: string;
}

/**
 * Turns what can be wrong with an installation into the wire's answers.
 * @throws HttpException in the place of errors of `Installation`, other errors as they are
 */
export async function answering<T>(refusals: Refusals, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SourceUnavailableError)
      throw new BadRequestException(said(refusals.unavailable, error));
    if (error instanceof InvalidExtensionError)
      throw new UnprocessableEntityException(said(refusals.invalid, error));
    if (error instanceof ExtensionExistsError) throw new ConflictException(error.message);
    if (error instanceof NotInstalledError) throw new NotFoundException(error.message);
    if (error instanceof DamagedFileError) throw new ConflictException(error.message);
    throw error;
  }
}

/** The text of the wire with the reason: behind a colon, else in parentheses. */
function said(text: string, { message }: Error): string {
  if (text === '') return message;
  return text.endsWith(':') ? `${text} ${message}` : `${text} (${message})`;
}
