import { Counter, Timing } from './meter.js';

/**
 * What `GET /metrics` tells besides the present state: counted where it happens, without a way back to who
 * counts. They are of the process, as its memory and its processor time are.
 */
export const meters = {
  /** Events that are durable in logs. */
  eventsAppended: new Counter(),
  /** Writing to a log and `fdatasync`, until the bytes are durable. */
  logWrites: new Timing([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]),
  /** Sockets that were closed because their clients read too slowly. */
  slowSockets: new Counter(),
  /** Promises that failed and that nobody waited for: each is a defect of the server. */
  unhandledRejections: new Counter(),
  /** Attempts to have a model answer. */
  llmAttempts: new Counter(),
  /** Those of them that failed; what an interrupt ends is no failure. */
  llmFailures: new Counter(),
  /** Those that were answered, until the last byte. */
  llmAnswers: new Timing([0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]),
};
