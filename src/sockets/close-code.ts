import { WebSocket } from 'ws';

/** Why the server closes a socket: the code and the reason that clients of the original know. */
export const CLOSE = {
  authenticationFailed: { code: 4001, reason: 'Authentication failed' },
  conversationNotFound: { code: 4004, reason: 'Conversation not found' },
  tooManyConnections: { code: 1013, reason: 'Too many connections for this conversation' },
  slowConsumer: { code: 1013, reason: 'slow_consumer' },
  frameTooLarge: { code: 1013, reason: 'frame_too_large' },
  subscribeFailed: { code: 1011, reason: 'subscribe_failed' },
  shuttingDown: { code: 1012, reason: '' },
} as const;

/** Starts the closing handshake. Does nothing when it has begun. */
export function closeSocket(socket: WebSocket, why: (typeof CLOSE)[keyof typeof CLOSE]): void {
  if (socket.readyState === WebSocket.OPEN) socket.close(why.code, why.reason);
}
