import { api, call } from '../api/client.js';
import { navigate } from '../routing/address.js';
import { oneLine } from '../ui/safe-text.js';
import { statusLabel } from '../ui/status.js';
import type { Entry } from './palette-entries.js';

/** The newest conversations, among which titles are searched. */
const SEARCHED = 500;
const MAX_FOUND = 20;
/** Without words. */
const MAX_RECENT = 6;
const FRESH_MS = 10_000;

type Page = Awaited<ReturnType<typeof load>>;

let kept: { at: number; page: Promise<Page> } | undefined;

/** Conversations whose title or id contains all words, changed last first. */
export async function findConversations(words: string): Promise<Entry[]> {
  const { items } = await newest();
  const wanted = words.split(' ');
  return items
    .filter(({ id, title }) => wanted.every((word) => `${title ?? ''} ${id}`.toLowerCase().includes(word)))
    .slice(0, words === '' ? MAX_RECENT : MAX_FOUND)
    .map(({ id, title, execution_status: status }) => ({
      label: oneLine(title ?? '', 120) || `Conversation ${id.slice(0, 8)}`,
      group: `Conversation, ${statusLabel(status)}`,
      run: () => navigate(`conversations/${id}`),
    }));
}

/** Asked for once while somebody types. */
function newest(): Promise<Page> {
  if (kept === undefined || Date.now() - kept.at > FRESH_MS) {
    const page = load();
    kept = { at: Date.now(), page };
    page.catch(() => (kept = undefined));
  }
  return kept.page;
}

function load() {
  return call(api.GET('/api/conversations/summaries', { params: { query: { limit: SEARCHED } } }));
}
