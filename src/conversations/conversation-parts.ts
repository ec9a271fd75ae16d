import type { AgentLoop } from '../agent/agent-loop.js';
import type { EventBus } from '../events/index.js';
import type { Catalogue, EventLog, LeaseFence, LeaseStore } from '../storage/index.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import type { SecretsShown } from './conversation-views.js';
import type { RunSlots } from './run-slots.js';
import type { SecretsAtRest } from './stored-conversation.js';

/** What all conversations of this server share. */
export interface ConversationServices {
  readonly bus: EventBus;
  readonly loop: AgentLoop;
  readonly registry: ToolRegistry;
  readonly catalogue: Catalogue;
  readonly leases: LeaseStore;
  readonly slots: RunSlots;
  readonly secrets: SecretsAtRest & SecretsShown;
  /** The conversations folder as configured: clients see paths below it. */
  readonly shownRoot: string;
  /** What relative working directories are relative to (absolute path). */
  readonly baseDir: string;
}

/** What belongs to one open conversation until it is closed. */
export interface OpenedStorage {
  readonly log: EventLog;
  readonly fence: LeaseFence;
}
