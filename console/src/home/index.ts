/** What other views use of the list of conversations. */
export { deleteLater } from './deletions.js';
