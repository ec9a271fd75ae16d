import { Logger } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import type { Documents } from './documents.js';

/**
 * Warns at the start with an empty database if there are settings in files: they are not used, and nothing
 * takes them over by itself.
 */
export async function warnOfUnusedDocuments(
  inDatabase: Documents,
  files: readonly Documents[],
): Promise<void> {
  if ((await inDatabase.list()).length > 0) return;
  const logger = new Logger('Settings');
  try {
    const lists = await Promise.all(
      files.map(async (each) => (await each.list()).map((name) => each.placeOf(name))),
    );
    const places = lists.flat();
    if (places.length === 0) return;
    logger.warn(
      `the database contains no settings; those that are stored as files (${places.length}, such as ${places[0] ?? ''}) are not used: ` +
        'copy them with the command `move`, or ignore them',
    );
  } catch (error) {
    logger.warn(`settings that are stored as files are not used, and cannot be read: ${errorMessage(error)}`);
  }
}
