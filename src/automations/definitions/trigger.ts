import { InvalidRequestError } from '../../errors/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { EventExpression, ExpressionError } from '../filters/index.js';
import { isTimeZone, parseSchedule, ScheduleError } from '../schedule/cron-schedule.js';

/** Due at the instants of a schedule. */
export interface CronTrigger {
  type: 'cron';
  schedule: string;
  /** IANA. */
  timezone: string;
}

/** Due when an event arrives. */
export interface EventTrigger {
  type: 'event';
  source: string;
  /** Patterns of the key of the event; one of them has to match. */
  on: string | string[];
  filter?: string;
  destination?: 'dispatch_run' | 'continue_conversation';
  subject_key_expr?: string;
  turn_text_expr?: string;
  wake_agent?: boolean;
}

/** Due when a run of another automation has ended, or any other conversation. */
export interface ChainTrigger {
  type: 'chain';
  /** The automation whose runs count; null: conversations that no automation has started. */
  automation_id: string | null;
  /** Statuses of runs (`COMPLETED`, `FAILED`), or of conversations (`finished`, `error`, `stuck`). */
  on: string[];
  /** Tags that a conversation must have. */
  tags: Record<string, string>;
}

/** Only by hand. */
export interface ManualTrigger {
  type: 'manual';
}

/** When an automation is due. */
export type Trigger = CronTrigger | EventTrigger | ChainTrigger | ManualTrigger;

const DEFAULT_ZONE = 'UTC';
const MAX_SOURCE = 50;
const MAX_PATTERNS = 50;
const MAX_PATTERN = 200;
const MAX_TAGS = 20;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const RUN_STATUSES: readonly string[] = ['COMPLETED', 'FAILED'];
const CONVERSATION_STATUSES: readonly string[] = ['finished', 'error', 'stuck'];

/**
 * Where a problem is, in the form that dialogs of the web UI walk through: `trigger`, its kind, the field.
 */
type Path = readonly (string | number)[];

/**
 * Reads the trigger of a request. Fields that only answers have are dropped: clients send whole triggers
 * back.
 * @param path where the trigger is in the request
 * @throws InvalidRequestError
 */
export function readTrigger(raw: unknown, path: Path, now: number): Trigger {
  if (!isJsonObject(raw)) throw problem(path, 'Input should be a valid dictionary', raw);
  const { type } = raw;
  switch (type) {
    case 'cron':
      return readCron(raw, [...path, 'cron'], now);
    case 'event':
      return readEvent(raw, [...path, 'event']);
    case 'chain':
      return readChain(raw, [...path, 'chain']);
    case 'manual':
      return { type: 'manual' };
    default:
      throw problem([...path, 'type'], "A trigger has the type 'cron', 'event', 'chain' or 'manual'", type);
  }
}

function readCron(raw: JsonObject, path: Path, now: number): CronTrigger {
  const { schedule, timezone } = raw;
  if (typeof schedule !== 'string' || schedule.trim() === '')
    throw problem([...path, 'schedule'], 'A cron trigger needs a schedule, such as 0 9 * * 1-5', schedule);
  const zone = timezone === undefined || timezone === null || timezone === '' ? DEFAULT_ZONE : timezone;
  if (typeof zone !== 'string' || zone.length > 100 || !isTimeZone(zone))
    throw problem([...path, 'timezone'], 'This is no time zone; a name such as Europe/Berlin is', timezone);
  try {
    if (parseSchedule(schedule, zone).next(now) === undefined)
      throw new ScheduleError('The schedule is never due');
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw problem([...path, 'schedule'], error.message, schedule);
  }
  return { type: 'cron', schedule: schedule.trim(), timezone: zone };
}

function readEvent(raw: JsonObject, path: Path): EventTrigger {
  const { source, on, destination, wake_agent } = raw;
  if (typeof source !== 'string' || source === '' || source.length > MAX_SOURCE)
    throw problem(
      [...path, 'source'],
      `An event trigger needs a source of at most ${MAX_SOURCE} characters`,
      source,
    );
  const patterns: unknown[] = Array.isArray(on) ? on : [on];
  const areTexts = patterns.every(
    (one) => typeof one === 'string' && one !== '' && one.length <= MAX_PATTERN,
  );
  if (!areTexts || patterns.length === 0 || patterns.length > MAX_PATTERNS)
    throw problem([...path, 'on'], 'An event trigger needs patterns of events, such as pull_request.*', on);
  const isDispatched = destination === 'dispatch_run';
  const isContinued = destination === 'continue_conversation';
  if (destination !== undefined && destination !== null && !isDispatched && !isContinued)
    throw problem([...path, 'destination'], "Either 'dispatch_run' or 'continue_conversation'", destination);
  if (wake_agent !== undefined && wake_agent !== null && typeof wake_agent !== 'boolean')
    throw problem([...path, 'wake_agent'], 'Input should be a valid boolean', wake_agent);
  const texts = ['filter', 'subject_key_expr', 'turn_text_expr'].map((name): [string, string | undefined] => [
    name,
    expression(raw, name, path),
  ]);
  return {
    type: 'event',
    source,
    on: Array.isArray(on) ? patterns.map(String) : String(on),
    ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)),
    ...((isDispatched || isContinued) && { destination }),
    ...(typeof wake_agent === 'boolean' && { wake_agent }),
  };
}

function expression(raw: JsonObject, name: string, path: Path): string | undefined {
  const value = raw[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string')
    throw problem([...path, name], 'Input should be a JMESPath expression', value);
  try {
    EventExpression.parse(value);
    return value;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw problem([...path, name], `Invalid JMESPath expression: ${error.message}`, value);
  }
}

function readChain(raw: JsonObject, path: Path): ChainTrigger {
  const { automation_id: id = null, on, tags = {} } = raw;
  if (id !== null && (typeof id !== 'string' || !UUID.test(id)))
    throw problem([...path, 'automation_id'], 'Input should be the id of an automation, or null', id);
  const known = id === null ? CONVERSATION_STATUSES : RUN_STATUSES;
  const given: unknown[] =
    on === undefined || on === null ? known.slice(0, 1) : Array.isArray(on) ? on : [on];
  if (given.length === 0 || !given.every((status) => typeof status === 'string' && known.includes(status)))
    throw problem([...path, 'on'], `A list of ${known.join(', ')}`, on);
  if (
    !isJsonObject(tags) ||
    Object.keys(tags).length > MAX_TAGS ||
    !Object.entries(tags).flat().every(isShort)
  )
    throw problem(
      [...path, 'tags'],
      'Input should be tags with names and texts of at most 256 characters',
      undefined,
    );
  return {
    type: 'chain',
    automation_id: id === null ? null : id.toLowerCase(),
    on: [...new Set(given.map(String))],
    tags: Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)])),
  };
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 256;
}

function problem(path: Path, message: string, input: unknown): InvalidRequestError {
  return new InvalidRequestError([...path], message, typeof input === 'string' ? input.slice(0, 200) : input);
}
