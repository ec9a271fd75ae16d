import os from 'node:os';
import path from 'node:path';
import { errorCode, errorMessage } from '../../errors/index.js';
import { readProjectText } from '../../files/index.js';
import type { Warn } from './files/skill-folder.js';

/** Limit of both files together (characters; the limit of the OpenHands SDK). */
const MEMORY_LIMIT = 6_000;

const MEMORY_FILE = path.join('.openhands', 'memory', 'MEMORY.md');
const CUT_NOTICE = '[The older beginning was left out.]\n';

/** The agent's memory for the prompt; undefined if there is none. */
export async function readMemory(
  workspace: string,
  warn: Warn,
  home: string = os.homedir(),
): Promise<string | undefined> {
  const [user, project] = await Promise.all([
    readNotes(path.join(home, MEMORY_FILE), path.join(home, path.dirname(MEMORY_FILE)), warn),
    readNotes(path.join(workspace, MEMORY_FILE), workspace, warn),
  ]);
  // The project's notes take precedence; the user's get the remaining room.
  const projectNotes = tail(project, MEMORY_LIMIT);
  const blocks = [
    {
      title: '# User memory (~/.openhands/memory/MEMORY.md)',
      text: tail(user, MEMORY_LIMIT - projectNotes.length),
    },
    { title: '# Project memory (.openhands/memory/MEMORY.md)', text: projectNotes },
  ].filter(({ text }) => text !== '');
  if (blocks.length === 0) return undefined;
  return blocks.map(({ title, text }) => `${title}\n${text}`).join('\n\n');
}

/** Agents write there: a link could lead to what their programs must not read. */
async function readNotes(file: string, root: string, warn: Warn): Promise<string> {
  try {
    return (await readProjectText(file, root))?.text.trim() ?? '';
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') warn(file, errorMessage(error));
    return '';
  }
}

/** Keeps the end, where new notes are. */
function tail(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const room = limit - CUT_NOTICE.length;
  if (room <= 0) return '';
  return CUT_NOTICE + text.slice(-room).replace(/^[\udc00-\udfff]/, '');
}
