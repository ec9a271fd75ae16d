import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';

/** Limits on sockets. Tests provide an instance with other values. */
@Injectable()
export class SocketLimits {
  /** Most sockets per conversation; further ones are closed with 1013. The original has 50. */
  readonly subscribersPerConversation: number;
  /** Bytes that may be buffered for a client that watches all conversations. */
  summaryBytes = 4 * 1024 * 1024;
  /** Time for a client to send its key in the first frame. */
  authTimeoutMs = 10_000;
  /** Most sockets without a key; a further one closes the oldest of them. */
  socketsWithoutKey = 500;
  /** Time between two pings of a socket. */
  pingIntervalMs = 30_000;
  /** Time for clients to answer the close frame at shutdown. */
  shutdownGraceMs = 1000;
  /** Time to handle pending frames of closed sockets at shutdown. */
  frameGraceMs = 2000;

  constructor(config: AppConfig) {
    this.subscribersPerConversation = config.max_socket_subscribers;
  }
}

/** Bytes of one inbound message, as of a REST body; a longer one closes the socket with 1009. */
export const MAX_INBOUND_FRAME_BYTES = 17 * 1024 * 1024;

/**
 * Fragments of one inbound message; more close the socket with 1008. Enough for the longest message in
 * fragments of 4 KiB, the smallest size that libraries use.
 */
export const MAX_INBOUND_FRAGMENTS = MAX_INBOUND_FRAME_BYTES / 4096;

/**
 * Bytes that may be buffered for a client; with more it is closed as a slow consumer. The original's limit.
 */
export const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** With more bytes buffered, deltas of unfinished answers are skipped: the complete message repeats them. */
export const MAX_PENDING_BYTES_FOR_DELTAS = 1024 * 1024;

/** Largest outbound frame of a session socket. The original's limit. */
export const MAX_SESSION_FRAME_BYTES = 4 * 1024 * 1024;
