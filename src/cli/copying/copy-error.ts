import { errorCode, errorMessage } from '../../errors/index.js';
import { StorageFailedError } from '../../storage/index.js';

/** Why a command that copies conversations cannot begin or go on; the message is for the operator. */
export class CopyError extends Error {
  override readonly name = 'CopyError';
}

/** Explains to the operator, line by line, why such a command ended. */
export function explainCopyError(error: unknown): string[] {
  if (error instanceof CopyError) return error.message.split('\n');
  const problem = databaseProblem(error) ?? databaseProblem(causeOf(error));
  if (problem !== undefined) return [problem];
  if (error instanceof StorageFailedError)
    return [
      error.isFull
        ? `there is not enough room at the target (${error.code}): make room, then start the same command again, it goes on`
        : `${error.message}: start the same command again when that is mended, it goes on`,
    ];
  return [`cannot go on: ${errorMessage(error).split('\n')[0] ?? ''}`];
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** What an error of PostgreSQL or of the network says about the URL of a database. */
function databaseProblem(error: unknown): string | undefined {
  switch (errorCode(error)) {
    case '28P01':
    case '28000':
      return 'the database refuses the user or the password of the URL';
    case '3D000':
      return 'the database of the URL does not exist: create it with createdb';
    case '42501':
      return 'the user of the URL may not create tables: run the command once as the owner of the database';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host in the URL of the database is unknown';
    case 'ECONNREFUSED':
      return 'nothing listens at the host and port in the URL of the database';
    default:
      return undefined;
  }
}
