import { Field, integer, problemsOf, readDto } from '../../http/index.js';
import { isJsonObject } from '../../json/index.js';
import { invalidFrame, type InvalidFrame } from './frame-problems.js';

/** A parsed text frame of a viewer of a terminal. Its binary frames are input. */
export type TerminalFrame =
  | { type: 'resize'; rows: number; cols: number }
  /** The client has shown everything before an offset. */
  | { type: 'ack'; offset: number }
  /** A key after the client was authenticated; it is ignored. */
  | { type: 'auth' }
  | InvalidFrame;

/** Text frames are short; longer ones are refused before they are parsed (bytes). */
const MAX_TEXT_BYTES = 4096;
/** As the limits of a request. */
const MAX_SIDE = 1000;

class ResizeFrameDto {
  @Field(integer({ gt: 0, le: MAX_SIDE }), 'Height in lines.')
  rows!: number;
  @Field(integer({ gt: 0, le: MAX_SIDE }), 'Width in characters.')
  cols!: number;
}

class AckFrameDto {
  @Field(integer({ ge: 0, le: Number.MAX_SAFE_INTEGER }), 'Offset after the last byte that was shown.')
  offset!: number;
}

/** Parses `{"type": "resize", "rows", "cols"}` or `{"type": "ack", "offset"}`. Never throws. */
export function readTerminalFrame(data: Buffer): TerminalFrame {
  if (data.length > MAX_TEXT_BYTES)
    return {
      type: 'invalid',
      code: 'ValueError',
      detail: `A text frame has at most ${MAX_TEXT_BYTES} bytes`,
    };
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return { type: 'invalid', code: 'JSONDecodeError', detail: 'A text frame is JSON; input is binary' };
  }
  if (isJsonObject(value) && value['type'] === 'auth') return { type: 'auth' };
  if (isJsonObject(value) && value['type'] === 'resize') {
    const frame = readDto(ResizeFrameDto, value);
    const problems = problemsOf(frame);
    if (problems.length > 0) return invalidFrame('Resize', problems);
    return { type: 'resize', rows: frame.rows, cols: frame.cols };
  }
  if (isJsonObject(value) && value['type'] === 'ack') {
    const frame = readDto(AckFrameDto, value);
    const problems = problemsOf(frame);
    return problems.length > 0 ? invalidFrame('Ack', problems) : { type: 'ack', offset: frame.offset };
  }
  return { type: 'invalid', code: 'ValueError', detail: "The type of a text frame is 'resize' or 'ack'" };
}
