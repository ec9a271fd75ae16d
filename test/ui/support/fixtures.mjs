import { copyConversation } from '../../../bench/support/stored.mjs';

const TASKS = ['Repair the login', 'Write the release notes', 'Find the slow query', 'Update the packages'];
const TEAMS = ['web', 'data', 'tools'];
/** Between two copies: they were made over the last months. */
const SECONDS = 15 * 60;

/**
 * Copies stored conversations, with other titles, tags and times, until there are so many. The server must
 * not run.
 * @param ids of the conversations to copy in turn
 */
export function copyConversations(folder, ids, count) {
  for (let n = ids.length; n < count; n++) {
    copyConversation(folder, `/${ids[n % ids.length]}`, n * SECONDS, (text, name) =>
      name === 'metadata.json'
        ? text
            .replace('"title":null', `"title":"${TASKS[n % TASKS.length]} ${n}"`)
            .replace('"tags":{}', `"tags":{"team":"${TEAMS[n % TEAMS.length]}"}`)
        : text,
    );
  }
}
