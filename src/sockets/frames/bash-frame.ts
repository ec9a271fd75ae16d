import { type BashRequest, ExecuteBashRequestDto } from '../../bash/index.js';
import { problemsOf, readDto } from '../../http/index.js';
import {
  describeJsonMistake,
  explainJsonError,
  isJsonObject,
  JsonBoundsError,
  JsonSize,
} from '../../json/index.js';
import { isAuthFrame } from './client-frame.js';
import { invalidFrame, type InvalidFrame } from './frame-problems.js';

/** A parsed text frame of a client on the bash events socket. */
type BashFrame =
  | { type: 'command'; request: BashRequest }
  /** A key after the client was authenticated; it is ignored. */
  | { type: 'auth' }
  | InvalidFrame;

/** As many bytes as a request to the bash routes may have. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/**
 * Parses `{"command": ..., "cwd": ..., "timeout": ...}`. Never throws.
 * @param data UTF-8; `ws` has validated it
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
  if (!isJsonObject(value))
    return invalidFrame('ExecuteBashRequest', [
      { type: 'model_type', msg: 'Input should be a valid dictionary' },
    ]);
  if (isAuthFrame(value) || value['type'] === 'auth') return { type: 'auth' };
  const request = readDto(ExecuteBashRequestDto, value);
  const problems = problemsOf(request);
  return problems.length === 0 ? { type: 'command', request } : invalidFrame('ExecuteBashRequest', problems);
}
