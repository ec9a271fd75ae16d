import { isJsonObject } from '../../json/index.js';

/** Whoever gives a conversation a tag of this name keeps it, whatever its value. */
const BOOKMARK_TAG = 'bookmark';

/** Whether the tags of a conversation keep it. */
export function isBookmarked(tags: unknown): boolean {
  return isJsonObject(tags) && BOOKMARK_TAG in tags;
}
