import type { IncomingMessage } from 'node:http';
import {
  choice,
  type DtoClass,
  Field,
  flag,
  instant,
  integer,
  parseUuid,
  problemsOf,
  readDto,
  text,
  uuid,
} from '../../http/index.js';
import type { KeyAdmission } from './key-admission.js';
import type { Handshake } from './pattern-ws-adapter.js';

/** The part of the log that is replayed to a new socket. */
export type Resend =
  | { from: 'nothing' }
  | { from: 'start' }
  /** From the first event at or after this naive local time. */
  | { from: 'timestamp'; timestamp: string }
  /** From the event after this sequence number. */
  | { from: 'seq'; afterSeq: number };

/** What was decided about a handshake. */
export interface Admission extends KeyAdmission {
  /** With dashes, in lower case. */
  conversationId: string;
  resend: Resend;
}

/** Reads the query of one kind of socket; undefined when it is invalid. */
type ReadResend = (query: URLSearchParams) => Resend | undefined;

/** Query parameters of the events sockets. */
class EventsQueryDto {
  @Field(
    choice(['all', 'since']),
    'Which stored events are sent first: all, or those since `after_timestamp`; absent: none.',
    { optional: true },
  )
  resend_mode?: 'all' | 'since';

  @Field(
    instant(),
    'Time from which on stored events are sent; without a zone it is local time of the server.',
    { optional: true },
  )
  after_timestamp?: string;

  @Field(flag(), 'An older form of `resend_mode=all`.')
  resend_all = false;
}

/** Query parameters of the bash events socket. */
class BashEventsQueryDto {
  @Field(choice(['all']), 'Send all stored events first; absent: none.', { optional: true })
  resend_mode?: 'all';

  @Field(flag(), 'An older form of `resend_mode=all`.')
  resend_all = false;
}

/** Query parameters of the session socket. */
class SessionQueryDto {
  @Field(integer(), 'Send the events after this number first; -1: all. Absent: none.', { optional: true })
  after_seq?: number;
}

/** Query parameters of the terminal socket. */
class TerminalQueryDto {
  @Field(uuid(), 'The conversation of the terminal; absent: any terminal of the server.', { optional: true })
  conversation_id?: string;

  @Field(
    integer({ ge: 0, le: Number.MAX_SAFE_INTEGER }),
    'Offset of the first byte to send; absent: all output that is kept.',
    { optional: true },
  )
  after?: number;
}

/** Validates key, path and query of a handshake; undefined refuses it. */
export async function admit(
  handshake: Handshake,
  checkKey: (handshake: Handshake) => Promise<KeyAdmission>,
  readResend: ReadResend,
): Promise<Admission | undefined> {
  const key = await checkKey(handshake);
  const conversation = parseUuid(handshake.params['conversation_id'] ?? '');
  const resend = readResend(handshake.query);
  if ('error' in conversation || !resend) return undefined;
  return { ...key, conversationId: conversation.id, resend };
}

/** `resend_mode`, `after_timestamp` and the older `resend_all` of the events sockets. */
export function readEventsResend(query: URLSearchParams): Resend | undefined {
  const options = readQuery(EventsQueryDto, query);
  if (!options) return undefined;
  const { resend_mode: mode, after_timestamp: timestamp, resend_all: resendAll } = options;
  if (mode === 'since')
    return timestamp === undefined ? { from: 'nothing' } : { from: 'timestamp', timestamp };
  return mode === 'all' || resendAll ? { from: 'start' } : { from: 'nothing' };
}

/** Whether the bash events socket starts with the stored events; undefined when the query is invalid. */
export function readBashResend(query: URLSearchParams): boolean | undefined {
  const options = readQuery(BashEventsQueryDto, query);
  return options && (options.resend_mode === 'all' || options.resend_all);
}

/** `after_seq` of the session socket: absent for live events only, -1 for all events. */
export function readSessionResend(query: URLSearchParams): Resend | undefined {
  const options = readQuery(SessionQueryDto, query);
  if (!options) return undefined;
  const { after_seq: afterSeq } = options;
  return afterSeq === undefined ? { from: 'nothing' } : { from: 'seq', afterSeq };
}

/** Query parameters of the sockets of files. */
class WatchQueryDto {
  @Field(text({ max: 4_095 }), 'The folder whose changes are sent.', { optional: true })
  path?: string;
}

/** The folder that a socket of files is about, as the client has named it; undefined: it names none. */
export function readWatchedPath(query: URLSearchParams): { path: string | undefined } | undefined {
  const options = readQuery(WatchQueryDto, query);
  return options && { path: options.path };
}

/** Which conversation the terminal of a socket belongs to, and where its output begins. */
export function readTerminalPlace(
  query: URLSearchParams,
): { conversationId?: string; after: number | undefined } | undefined {
  const options = readQuery(TerminalQueryDto, query);
  if (!options) return undefined;
  const { conversation_id: conversationId, after } = options;
  return { ...(conversationId !== undefined && { conversationId }), after };
}

/** The last value of a repeated parameter counts. */
function readQuery<T extends object>(dto: DtoClass<T>, query: URLSearchParams): T | undefined {
  const options = readDto(dto, Object.fromEntries(query));
  return problemsOf(options).length === 0 ? options : undefined;
}

/**
 * The key in the query or a header. An unknown bearer token may be meant for a proxy; without a key, or with
 * such a token, the first frame decides.
 */
export function presentedKey({ request, query }: Handshake): { key: string; isBearer: boolean } | undefined {
  const key = last(query, 'session_api_key') ?? header(request, 'x-session-api-key');
  if (key !== undefined) return { key, isBearer: false };
  const bearer = /^bearer\s(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer === undefined ? undefined : { key: bearer.trim(), isBearer: true };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.at(-1) : value;
}

/** The last value of a repeated parameter counts, as in the original. */
function last(query: URLSearchParams, name: string): string | undefined {
  return query.getAll(name).at(-1);
}
