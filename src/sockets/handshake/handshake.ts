import type { IncomingMessage } from 'node:http';
import type { SessionKeys } from '../../auth/index.js';
import { parseUuid } from '../../http/validation/uuid.js';
import { parseInstant } from '../../http/validation/instant.js';
import type { Handshake } from './pattern-ws-adapter.js';

/** Which part of the log a new socket wants to see again. */
export type Resend =
  | { from: 'nothing' }
  | { from: 'start' }
  /** Everything from the first event at or after this naive local time. */
  | { from: 'timestamp'; timestamp: string }
  /** Everything after this sequence number. */
  | { from: 'seq'; afterSeq: number };

/** A handshake that may be accepted. */
export interface Admission {
  /** Dashed, lower case. */
  conversationId: string;
  /** False: the first frame has to bring the key. */
  authenticated: boolean;
  resend: Resend;
}

/** Reads the query of one kind of socket; undefined when it is not valid. */
export type ReadResend = (query: URLSearchParams) => Resend | undefined;

/** Checks key, path and query of a handshake; undefined refuses it. */
export async function admit(
  handshake: Handshake,
  checkKey: (handshake: Handshake) => Promise<boolean>,
  readResend: ReadResend,
): Promise<Admission | undefined> {
  const authenticated = await checkKey(handshake);
  const conversation = parseUuid(handshake.params['conversation_id'] ?? '');
  const resend = readResend(handshake.query);
  if ('error' in conversation || !resend) return undefined;
  return { conversationId: conversation.id, resend, authenticated };
}

/** `resend_mode`, `after_timestamp` and the older `resend_all` of the sockets that send plain events. */
export function readEventsResend(query: URLSearchParams): Resend | undefined {
  const mode = last(query, 'resend_mode');
  const timestampText = last(query, 'after_timestamp');
  const timestamp = timestampText === undefined ? undefined : parseAfterTimestamp(timestampText);
  const resendAll = parseBoolean(last(query, 'resend_all') ?? 'false');
  if (timestampText !== undefined && timestamp === undefined) return undefined;
  if (resendAll === undefined || (mode !== undefined && mode !== 'all' && mode !== 'since')) return undefined;
  if (mode === 'since')
    return timestamp === undefined ? { from: 'nothing' } : { from: 'timestamp', timestamp };
  return mode === 'all' || resendAll ? { from: 'start' } : { from: 'nothing' };
}

/** `after_seq` of the session socket: absent for live only, -1 for all. */
export function readSessionResend(query: URLSearchParams): Resend | undefined {
  const text = last(query, 'after_seq');
  if (text === undefined) return { from: 'nothing' };
  if (!/^[+-]?\d{1,15}(\.0*)?$/.test(text)) return undefined;
  return { from: 'seq', afterSeq: Number(text) };
}

/**
 * A key in the query or the header must be right; none, or an unknown bearer token, leaves it to the first
 * frame.
 */
export function presentedKey(
  { request, query }: Handshake,
  keys: SessionKeys,
): 'accepted' | 'refused' | 'unknown-bearer' | 'absent' {
  const key = last(query, 'session_api_key') ?? header(request, 'x-session-api-key');
  if (key !== undefined) return keys.accepts(key) ? 'accepted' : 'refused';
  const bearer = /^bearer\s(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return 'absent';
  return keys.accepts(bearer.trim()) ? 'accepted' : 'unknown-bearer';
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.at(-1) : value;
}

/** The last one wins when a parameter is repeated, as in the original. */
export function last(query: URLSearchParams, name: string): string | undefined {
  return query.getAll(name).at(-1);
}

export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|true|t|yes|y|on)$/i.test(text)) return true;
  return /^(0|false|f|no|n|off)$/i.test(text) ? false : undefined;
}

/** An instant as event timestamps have it; undefined for any other text, and for one before the epoch. */
export function parseAfterTimestamp(text: string): string | undefined {
  const instant = text.startsWith('-') ? undefined : parseInstant(text);
  return instant && 'local' in instant ? instant.local : undefined;
}
