import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from './program.mjs';

// Scripted solutions are lists of steps. The same step is a tool call of the scripted model, or is applied
// without a server.

/** A command in the terminal. */
export const run = (command) => ({ command });
/** A command that changes nothing; it is left out where no agent works. */
export const look = (command) => ({ command, changesNothing: true });
/** A new file. */
export const write = (file, text) => ({ file, text });
/** An edit: the old text occurs once. */
export const replace = (file, oldText, newText) => ({ file, oldText, newText });

/** The answers of a model that takes these steps in a folder. */
export function toTurns({ steps, answer }, folder) {
  return [
    ...steps.map((step) => ({ wait: 0, calls: [toCall(step, folder)] })),
    { wait: 0, calls: [{ name: 'finish', arguments: JSON.stringify({ message: answer }) }] },
  ];
}

function toCall(step, folder) {
  if (step.command !== undefined) return call('terminal', { command: step.command });
  const file = path.join(folder, step.file);
  if (step.text !== undefined)
    return call('file_editor', { command: 'create', path: file, file_text: step.text });
  const { oldText, newText } = step;
  return call('file_editor', { command: 'str_replace', path: file, old_str: oldText, new_str: newText });
}

function call(name, args) {
  return { name, arguments: JSON.stringify(args) };
}

/** Takes the steps in a folder, without a server. */
export async function applySteps({ steps }, folder) {
  for (const step of steps.filter(({ changesNothing }) => !changesNothing)) {
    if (step.command !== undefined) {
      await runProgram(folder, 'bash', ['-c', step.command]);
      continue;
    }
    const file = path.join(folder, step.file);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, step.text ?? (await edited(file, step)));
  }
}

async function edited(file, { oldText, newText }) {
  const parts = (await readFile(file, 'utf8')).split(oldText);
  if (parts.length !== 2) throw new Error(`${file} has the text to replace ${parts.length - 1} times`);
  return parts.join(newText);
}
