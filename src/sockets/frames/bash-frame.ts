import type { BashRequest } from '../../bash/bash-event.js';
import { ExecuteBashRequestDto } from '../../bash/dto/bash.dto.js';
import { problemsOf, readDto } from '../../http/validation/dto.js';
import {
  describeJsonMistake,
  explainJsonError,
  isJsonObject,
  JsonBoundsError,
  JsonSize,
} from '../../json/index.js';
import { isAuthFrame } from './client-frame.js';

/** What a text frame of a client at the bash events means. */
export type BashFrame =
  | { type: 'command'; request: BashRequest }
  /** A key that comes when none is asked for (any more); it means nothing. */
  | { type: 'auth' }
  | { type: 'invalid'; code: string; detail: string };

/** More complaints than this are counted, not listed. */
const MAX_LISTED = 10;

/** A command and its surroundings (bytes), as the bash routes take it. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/**
 * Reads `{"command": ..., "cwd": ..., "timeout": ...}`. Never throws; complaints do not repeat the input.
 * @param data UTF-8, which the socket has made sure of
 */
export function readBashFrame(data: Buffer): BashFrame {
  if (data.length > MAX_FRAME_BYTES)
    return { type: 'invalid', code: 'ValueError', detail: `A frame has at most ${MAX_FRAME_BYTES} bytes` };
  const text = data.toString();
  let value: unknown;
  try {
    new JsonSize().push(data);
    value = JSON.parse(text);
  } catch (error) {
    const detail =
      error instanceof JsonBoundsError ? error.message : describeJsonMistake(text, explainJsonError(text));
    return { type: 'invalid', code: 'JSONDecodeError', detail };
  }
  if (!isJsonObject(value)) return invalid(['  Input should be a valid dictionary [type=model_type]']);
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
