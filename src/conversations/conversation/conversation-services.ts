import type { AgentLoop } from '../../agent/loop/agent-loop.js';
import type { ContextLoader } from '../../agent/skills/index.js';
import type { EventBus } from '../../events/index.js';
import type { Llm } from '../../llm/index.js';
import type { Catalogue, EventLog, LeaseFence, LeaseStore } from '../../storage/index.js';
import type { ToolRegistry } from '../../tools/tool-registry.js';
import type { JsonObject } from '../../json/index.js';
import type { ChildStarter } from '../branches/child-starter.js';
import type { SecretsShown } from '../state/conversation-info.js';
import type { ModelProfiles } from '../profiles/model-profiles.js';
import type { RunSlots } from '../runs/run-slots.js';
import type { BoundCredentials } from '../secrets/bound-credentials.js';
import type { SecretsAtRest } from '../state/stored-conversation.js';

/** Opens tokens of this server that clients send in place of secrets. */
export interface SecretsGiven {
  /** `foreign`: JSON pointers of tokens that no key opens and nobody may get. */
  reveal(value: JsonObject, encrypted: boolean): { value: JsonObject; foreign: string[] };
}

/** Knows of stored secrets that a restart lost. */
export interface SecretsMissing {
  whyMissing(id: string, pointer: string): string | undefined;
}

/** What all conversations of this server share. Also the token to inject it by. */
export abstract class ConversationServices {
  abstract readonly bus: EventBus;
  abstract readonly loop: AgentLoop;
  abstract readonly llm: Llm;
  abstract readonly models: ModelProfiles;
  abstract readonly children: ChildStarter;
  abstract readonly registry: ToolRegistry;
  abstract readonly context: ContextLoader;
  abstract readonly catalogue: Catalogue;
  abstract readonly leases: LeaseStore;
  abstract readonly slots: RunSlots;
  abstract readonly secrets: SecretsAtRest & SecretsShown & SecretsGiven & SecretsMissing;
  abstract readonly credentials: BoundCredentials;
  /** The conversations folder as configured: clients see paths below it. */
  abstract readonly shownRoot: string;
  /** What relative working directories are relative to (absolute path). */
  abstract readonly baseDir: string;
  /** Whether agents may use a browser. */
  abstract readonly browserEnabled: boolean;
}

/** What belongs to one open conversation until it is closed. */
export interface OpenedStorage {
  readonly log: EventLog;
  readonly fence: LeaseFence;
}
