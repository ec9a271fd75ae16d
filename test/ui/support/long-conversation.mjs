import { randomUUID } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';

const BATCH = 5000;

/**
 * Lengthens the log of a conversation by calls of a terminal and their results. The server must not run.
 * @param folder of the server
 * @param id of a conversation that has run
 * @param count of the events in the end, or one more
 * @returns the command of the last call
 */
export async function lengthen(folder, id, count) {
  const file = path.join(folder, 'workspace/conversations', id.replaceAll('-', ''), 'events.jsonl');
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line));
  const action = events.findLast(({ kind, tool_name }) => kind === 'ActionEvent' && tool_name === 'terminal');
  const result = events.findLast(({ action_id }) => action_id === action.id);
  let parent = events.findLast(({ kind }) => kind !== 'ConversationStateUpdateEvent').id;
  let micros = 0;
  const start = Date.parse(`${events.at(-1).timestamp.slice(0, 23)}Z`) + 1;
  const next = () => {
    micros += 1;
    const second = new Date(start + Math.floor(micros / 1000)).toISOString().slice(0, 23);
    return `${second}${String(micros % 1000).padStart(3, '0')}`;
  };
  let batch = [];
  let command = '';
  for (let n = events.length; n < count; n += 2) {
    const [made, done, call] = [randomUUID(), randomUUID(), `call_${n}`];
    command = `echo step ${n}`;
    const fields = { ...action.action, command };
    batch.push(
      JSON.stringify({
        ...{ ...action, id: made, timestamp: next(), parent_id: parent, action: fields },
        tool_call_id: call,
        tool_call: { ...action.tool_call, id: call },
        summary: command,
      }),
      JSON.stringify({
        ...{ ...result, id: done, timestamp: next(), parent_id: made, action_id: made, tool_call_id: call },
        observation: {
          ...{ ...result.observation, command },
          content: [{ cache_prompt: false, type: 'text', text: `step ${n}` }],
        },
      }),
    );
    parent = done;
    if (batch.length < BATCH && n + 2 < count) continue;
    await appendFile(file, `${batch.join('\n')}\n`);
    batch = [];
  }
  return command;
}
