import type { ActionEvent } from '../../events/index.js';
import { maskedLine } from './one-line.js';

/** Arguments that say what a call is about, the most telling first. */
const TELLING = [
  'command',
  'path',
  'file_path',
  'url',
  'query',
  'pattern',
  'prompt',
  'name',
  'message',
  'thought',
];

/** What a tool call is about in one line: its command, its file, its question. */
export function callDetail(
  { action, summary }: Pick<ActionEvent, 'action' | 'summary'>,
  mask: (text: string) => string,
): string {
  if (!action) return '';
  // The commands of an editor say less than its file.
  const { command, path } = action;
  if (typeof path === 'string' && typeof command === 'string') return maskedLine(`${command} ${path}`, mask);
  const field = TELLING.find((name) => typeof action[name] === 'string' && action[name] !== '');
  const value = field === undefined ? summary : action[field];
  return typeof value === 'string' ? maskedLine(value, mask) : '';
}
