import { WebSocket } from 'ws';
import { DomainError, WIRE_CODES } from '../../errors/index.js';
import { meters } from '../../meters/index.js';

/** Close codes and reasons of the server, as clients of the original know them. */
export const CLOSE = {
  authenticationFailed: { code: 4001, reason: 'Authentication failed' },
  keysUnavailable: { code: 1013, reason: 'Keys cannot be checked now: try again' },
  notAllowed: { code: 4003, reason: 'The key does not allow this' },
  conversationNotFound: { code: WIRE_CODES['not-found'].closeCode, reason: 'Conversation not found' },
  terminalNotFound: { code: WIRE_CODES['not-found'].closeCode, reason: 'Terminal not found' },
  terminalEnded: { code: 1000, reason: 'The terminal has ended' },
  tooManyConnections: { code: 1013, reason: 'Too many connections for this conversation' },
  tooManyListeners: { code: 1013, reason: 'Too many connections' },
  tooManyForKey: { code: 1013, reason: 'Too many connections for this key' },
  slowConsumer: { code: 1013, reason: 'slow_consumer' },
  frameTooLarge: { code: 1013, reason: 'frame_too_large' },
  tooManyFailedKeys: { code: 1013, reason: 'Too many wrong keys: try again in a minute' },
  tooManyWithoutKey: { code: 1013, reason: 'Too many sockets wait for a key' },
  tooManyBytes: { code: 1013, reason: 'The server is busy with other messages' },
  frameRefused: { code: 1013, reason: 'A message was not accepted: try again later' },
  frameNotFinished: { code: 1008, reason: 'A message was begun and not finished' },
  subscribeFailed: { code: 1011, reason: 'subscribe_failed' },
  moved: { code: 1012, reason: 'The conversation moves to another server' },
  shuttingDown: { code: 1012, reason: '' },
} as const;

/** A value of `CLOSE`. */
export type CloseReason = (typeof CLOSE)[keyof typeof CLOSE];

/** How to close a socket that could not be attached because of an error. */
export function closeFor(error: unknown): CloseReason {
  const code = error instanceof DomainError ? WIRE_CODES[error.kind].closeCode : undefined;
  return code === CLOSE.conversationNotFound.code ? CLOSE.conversationNotFound : CLOSE.subscribeFailed;
}

/** Sockets that the server has started to close, with the reason for the log. */
const closedByUs = new WeakMap<WebSocket, string>();

/** Starts the closing handshake, unless it has already started. */
export function closeSocket(socket: WebSocket, why: CloseReason): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (why === CLOSE.slowConsumer) meters.slowSockets.add();
  closedByUs.set(socket, why.reason === '' ? 'the server is shutting down' : why.reason);
  socket.close(why.code, why.reason);
}

/** Who closed a socket and why, for the log. */
export function closeReason(socket: WebSocket, code: number, clientsReason: string): string {
  const ours = closedByUs.get(socket);
  if (ours !== undefined) return `by the server: ${ours}`;
  if (code === ABNORMAL) return 'the connection was lost';
  return clientsReason === '' ? 'by the client' : `by the client: ${clientsReason}`;
}

/** There was no closing handshake (RFC 6455, 7.4.1). */
const ABNORMAL = 1006;
