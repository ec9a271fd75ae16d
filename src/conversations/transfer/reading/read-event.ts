import { serialiseEvent, type ConversationErrorEvent, type DurableEvent } from '../../../events/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../../json/index.js';
import type { LogRecord } from '../../../storage/index.js';
import { parseForeign } from './foreign-json.js';
import { withoutCall } from '../../../usage/index.js';
import type { TimeShift } from './time-shift.js';
import { stableUuid } from '../../../text/index.js';

const ID = /^[0-9a-fA-F-]{8,100}$/;
/** The form of our lines: such a text is stored as it is. */
const OUR_BEGINNING = '{"id":"';
const OUR_END = /,"kind":"\w{1,60}"\}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** How the text of an event is read. */
export interface Reading {
  time: TimeShift;
  /** Converts paths of files. */
  adapt: (line: string) => string;
  /** The ledger of usage is not to count what the log says that models have cost. */
  dropsCalls?: boolean;
}

/** An event that was read, as the log stores it. */
export interface ReadEvent {
  event: DurableEvent;
  record: LogRecord;
}

/** Why a text is no event, for people. */
export class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
}

/**
 * Reads an event of the original or of our own. Fields and kinds that are unknown here stay as they are.
 * @throws UnreadableEventError
 */
export function readEvent(bytes: Buffer, { time, adapt, dropsCalls }: Reading): ReadEvent {
  if (bytes.length === 0) throw new UnreadableEventError('it is empty');
  const text = adapt(decode(bytes).trim());
  const fields = parse(text);
  const { id, kind, timestamp, source } = fields;
  if (typeof id !== 'string' || !ID.test(id)) throw new UnreadableEventError('it has no id');
  if (typeof kind !== 'string') throw new UnreadableEventError('it has no kind');
  const here = typeof timestamp === 'string' ? time.toHere(timestamp) : undefined;
  if (here === undefined) throw new UnreadableEventError('it has no timestamp');
  const known = { ...fields, timestamp: here, source: typeof source === 'string' ? source : 'environment' };
  const event = dropsCalls ? withoutCall(known) : known;
  const isOurs = event === known && here === timestamp && source === event.source && isOurForm(text);
  return toReadEvent(event, isOurs ? text : undefined);
}

/** The error event in the place of one that cannot be read: what follows keeps its parent. */
export function placeholder(
  detail: string,
  { id, timestamp, parent }: { id: string; timestamp: string; parent: string | undefined },
): ReadEvent {
  const event: ConversationErrorEvent = {
    id: ID.test(id) ? id : stableUuid(id),
    timestamp,
    source: 'environment',
    ...(parent !== undefined && { parent_id: parent }),
    code: 'DamagedEvent',
    detail,
    classification: { kind: 'internal', retryable: false, user_action: 'none' },
    kind: 'ConversationErrorEvent',
  };
  return toReadEvent({ ...event }, undefined);
}

function toReadEvent(fields: JsonObject, text: string | undefined): ReadEvent {
  // Its kind may be unknown; what is read of an event is checked by `parseEvent`.
  const event = fields as JsonObject & DurableEvent;
  const { id, kind, source, timestamp } = event;
  return { event, record: { id, kind, source, timestamp, line: text ?? serialiseEvent(event) } };
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UnreadableEventError('it is not UTF-8');
  }
}

function parse(text: string): JsonObject {
  let value: unknown;
  try {
    value = parseForeign(text);
  } catch (error) {
    throw new UnreadableEventError(error instanceof RangeError ? error.message : 'it is not JSON');
  }
  if (!isJsonObject(value)) throw new UnreadableEventError('it is not an object');
  return asJsonObject(value);
}

function isOurForm(text: string): boolean {
  return text.startsWith(OUR_BEGINNING) && OUR_END.test(text.slice(-80)) && !/[\r\n]/.test(text);
}
