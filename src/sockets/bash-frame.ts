import type { BashRequest } from '../bash/bash-event.js';
import { ExecuteBashRequestDto } from '../bash/dto/bash.dto.js';
import { problemsOf, readDto } from '../http/dto.js';
import { explainJsonError } from '../http/json-error.js';
import { isAuthFrame, isRecord } from './client-frame.js';

/** What a text frame of a client at the bash events means. */
export type BashFrame =
  | { type: 'command'; request: BashRequest }
  /** A key that comes when none is asked for (any more); it means nothing. */
  | { type: 'auth' }
  | { type: 'invalid'; code: string; detail: string };

/** More complaints than this are counted, not listed. */
const MAX_LISTED = 10;

/** Reads `{"command": ..., "cwd": ..., "timeout": ...}`. Never throws; complaints do not repeat the input. */
export function readBashFrame(text: string): BashFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { position, explanation } = explainJsonError(text);
    const before = text.slice(0, position).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    const detail = `${explanation}: line ${before.length} column ${column} (char ${position})`;
    return { type: 'invalid', code: 'JSONDecodeError', detail };
  }
  if (!isRecord(value)) return invalid(['  Input should be a valid dictionary [type=model_type]']);
  if (isAuthFrame(value) || value['type'] === 'auth') return { type: 'auth' };
  const request = readDto(ExecuteBashRequestDto, value);
  const problems = problemsOf(request);
  if (problems.length === 0) return { type: 'command', request };
  return invalid(problems.map(({ at = [], msg, type }) => `${at.join('.')}\n  ${msg} [type=${type}]`));
}

function invalid(complaints: readonly string[]): BashFrame {
  const count = `${complaints.length} validation error${complaints.length === 1 ? '' : 's'} for ExecuteBashRequest`;
  return {
    type: 'invalid',
    code: 'ValidationError',
    detail: [count, ...complaints.slice(0, MAX_LISTED)].join('\n'),
  };
}
