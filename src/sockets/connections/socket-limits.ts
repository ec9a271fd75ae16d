import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';

/**
 * How many sockets there may be and how long they may take; a module that needs others provides an instance.
 */
@Injectable()
export class SocketLimits {
  /** Sockets at one conversation; one more is closed with 1013. The original fits 50. */
  readonly subscribersPerConversation: number;
  /** How long a client may take to send its key in the first frame. */
  authTimeoutMs = 10_000;
  /** Sockets that have shown no key yet; one more ends the one that has waited longest. */
  socketsWithoutKey = 500;
  /** How often every socket is pinged; one that gave no sign of life since the last time is cut off. */
  pingIntervalMs = 30_000;
  /** How long clients may take to answer the close at shutdown. */
  shutdownGraceMs = 1000;
  /** How long frames of closed sockets may take to be handled at shutdown. */
  frameGraceMs = 2000;

  constructor(config: AppConfig) {
    this.subscribersPerConversation = config.max_socket_subscribers;
  }
}

/** Bytes of one inbound message, as of a REST body; a longer one closes the socket with 1009. */
export const MAX_INBOUND_FRAME_BYTES = 17 * 1024 * 1024;

/**
 * Parts of one inbound message; more close the socket with 1008. The longest one in parts of 4 KiB, the
 * smallest that libraries make.
 */
export const MAX_INBOUND_FRAGMENTS = MAX_INBOUND_FRAME_BYTES / 4096;

/** Bytes that may wait for a client; with more it is closed as a slow consumer. The original's number. */
export const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** With more bytes waiting, pieces of unfinished answers are left out: the finished message repeats them. */
export const MAX_PENDING_BYTES_FOR_DELTAS = 1024 * 1024;

/** Largest frame on a session socket. The original's number. */
export const MAX_SESSION_FRAME_BYTES = 4 * 1024 * 1024;
