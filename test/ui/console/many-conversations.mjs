import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** How often each kind occurs in a hundred conversations. */
const KINDS = [
  { count: 2, execution_status: 'error', word: ['error', 'LLMTimeoutError', 'The model did not answer.'] },
  { count: 1, execution_status: 'error', word: ['error', 'MaxIterationsReached', 'The limit is reached.'] },
  { count: 2, execution_status: 'finished', word: ['question', null, 'Which of the two databases?'] },
  { count: 5, execution_status: 'paused' },
  { count: 90, execution_status: 'finished' },
];
const TITLES = ['Repair the login', 'Write the release notes', 'Find the slow query', 'Update the packages'];
const MODELS = ['scripted/demo', 'anthropic/claude-sonnet-5-5', 'openai/gpt-6'];

/**
 * Copies the folder of a conversation many times, with other ids, titles, states, times and models, as if
 * they had been made over the last months. The server must not run.
 * @param folder of the conversations
 * @param id of the conversation to copy
 */
export async function copyConversation(folder, id, count) {
  const source = path.join(folder, id.replaceAll('-', ''));
  const original = JSON.parse(await readFile(path.join(source, 'metadata.json'), 'utf8'));
  const kinds = KINDS.flatMap((kind) => Array(kind.count).fill(kind));
  for (let n = 0; n < count; n += 1) {
    const hex = n.toString(16).padStart(12, '0');
    const copy = `c0ffee00-0000-4000-8000-${hex}`;
    const target = path.join(folder, copy.replaceAll('-', ''));
    const at = new Date(Date.now() - (n + 1) * 15 * 60_000).toISOString().replace('Z', '000Z');
    const { execution_status, word } = kinds[(n * 37) % 100];
    const [kind, code, text] = word ?? [];
    const metadata = {
      ...original,
      ...{ id: copy, created_at: at, updated_at: at, execution_status },
      title: `${TITLES[n % TITLES.length]} ${n}`,
      tags: { team: ['web', 'data', 'tools'][n % 3] },
      agent: { ...original.agent, llm: { ...original.agent.llm, model: MODELS[n % 3] } },
      attention: {
        since: at,
        word: word ? { kind, code, text: code === null ? text : `${code}: ${text}`, at } : null,
      },
    };
    await mkdir(target, { recursive: true });
    await writeFile(path.join(target, 'metadata.json'), `${JSON.stringify(metadata)}\n`);
    await cp(path.join(source, 'events.jsonl'), path.join(target, 'events.jsonl'));
  }
}
