import { signal } from '@preact/signals';
import { fetchPath } from '../../api/client.js';
import { isRecord, messageOf } from '../../api/api-error.js';
import { adviceFor } from '../../api/error-advice.js';
import { saveFile } from '../../ui/save-file.js';
import { showToast } from '../../ui/toast.js';
import type { ConversationRequests } from '../conversation-requests.js';

const PAGE_EVENTS = 100;

/** What is being downloaded; undefined: nothing. */
export const downloading = signal<string | undefined>(undefined);

/** Saves all stored data of a conversation as a zip. */
export function downloadTrajectory(id: string): Promise<void> {
  return download('the trajectory', async () => {
    const answer = await fetchPath(`api/file/download-trajectory/${id}`);
    saveFile(await answer.blob(), `conversation-${id}.zip`);
  });
}

/** Saves the last answer of the agent as a text. */
export function downloadFinalAnswer(requests: ConversationRequests): Promise<void> {
  return download('the final answer', async () => {
    const answer = await requests.finalResponse();
    if (answer === '') throw new Error('The agent has not given a final answer yet.');
    saveFile(new Blob([answer], { type: 'text/markdown' }), `answer-${requests.id}.md`);
  });
}

/** Saves the events as JSON, one on each line. */
export function downloadEvents(id: string): Promise<void> {
  return download('the events', async () => {
    const parts: string[] = [];
    let from: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(PAGE_EVENTS) });
      if (from !== undefined) query.set('page_id', from);
      const page: unknown = await (await fetchPath(`api/conversations/${id}/events/search?${query}`)).json();
      if (!isRecord(page) || !Array.isArray(page['items'])) throw new Error('The server sent no events.');
      parts.push(page['items'].map((event) => `${JSON.stringify(event)}\n`).join(''));
      from = typeof page['next_page_id'] === 'string' ? page['next_page_id'] : undefined;
    } while (from !== undefined);
    saveFile(new Blob(parts, { type: 'application/x-ndjson' }), `events-${id}.jsonl`);
  });
}

async function download(what: string, work: () => Promise<void>): Promise<void> {
  if (downloading.peek() !== undefined) return;
  downloading.value = what;
  const hide = showToast(`Downloading ${what}`, { ms: 600_000 });
  try {
    await work();
  } catch (error) {
    showToast(`Could not download ${what}: ${messageOf(error)} ${adviceFor(error) ?? ''}`, { kind: 'error' });
  } finally {
    hide();
    downloading.value = undefined;
  }
}
