import { Counter, Timing } from './meter.js';

/** The counters behind `GET /metrics`, incremented where the events occur. They belong to the process. */
export const meters = {
  /** Events stored durably. */
  eventsAppended: new Counter(),
  /** Log writes, including `fdatasync`. */
  logWrites: new Timing([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]),
  /** Sockets closed because their clients read too slowly. */
  slowSockets: new Counter(),
  /** Terminals that people have opened. */
  terminalsOpened: new Counter(),
  /** Bytes that terminals have printed. */
  terminalBytes: new Counter(),
  /** Unhandled promise rejections: each one is a defect of the server. */
  unhandledRejections: new Counter(),
  /** Entries that the audit log has taken. */
  auditEntries: new Counter(),
  /** Failed attempts to write the audit log. */
  auditFailures: new Counter(),
  /** Entries that were given up because the audit log could not be written for too long. */
  auditLost: new Counter(),
  /** Passes of the retention over everything that is stored. */
  /** Runs of automations that were started, and what has become of runs. */
  automationRunsStarted: new Counter(),
  automationRunsEnded: {
    COMPLETED: new Counter(),
    FAILED: new Counter(),
    CANCELLED: new Counter(),
    SKIPPED: new Counter(),
  },
  retentionSweeps: new Counter(),
  /** What could not be removed in them. */
  retentionFailures: new Counter(),
  /** What they have removed, by kind. */
  retentionRemoved: {
    conversations_by_age: new Counter(),
    conversations_by_budget: new Counter(),
    worktrees: new Counter(),
    folders: new Counter(),
    bash_events: new Counter(),
  },
  /** The bytes of the conversations among that. */
  retentionFreedBytes: new Counter(),
  /** Steps that have changed files, the files, and failures to record them. */
  checkpoints: new Counter(),
  checkpointFiles: new Counter(),
  checkpointFailures: new Counter(),
  /** How long steps waited until what they may change was kept. */
  checkpointBegins: new Timing([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2]),
  /** Restores of files. */
  fileRestores: new Counter(),
  /** Calls of other agents (MCP, A2A), by what became of them. */
  rpcCalls: {
    done: new Counter(),
    /** The key may not do it, or a limit is reached. */
    refused: new Counter(),
    failed: new Counter(),
  },
  /** Events that other systems have delivered for automations. */
  automationEvents: {
    accepted: new Counter(),
    /** Wrong or missing signatures, and unknown sources. */
    refused: new Counter(),
    /** Automations that had the delivery before. */
    repeated: new Counter(),
  },
  /** Requests to models. */
  llmAttempts: new Counter(),
  /** Failed requests to models; interrupted ones are not failures. */
  llmFailures: new Counter(),
  /** Answered requests to models, to the last byte. */
  llmAnswers: new Timing([0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]),
};
