import { Injectable } from '@nestjs/common';
import { AgentLoop, ContextLoader } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { SecretCodec } from '../../crypto/index.js';
import { EventBus } from '../../events/index.js';
import { KeyLimiter } from '../../limits/index.js';
import { Llm } from '../../llm/index.js';
import { Sandbox } from '../../sandbox/index.js';
import { Catalogue, ConversationFolders, LeaseStore } from '../../storage/index.js';
import { AgentTerminals, ToolRegistry } from '../../tools/index.js';
import { ChildStarter } from '../branches/child-starter.js';
import { ModelProfiles } from '../profiles/model-profiles.js';
import { WorkspaceHost } from './workspace-host.js';
import { RunQueue } from '../runs/queue/run-queue.js';
import { RunSlots } from '../runs/run-slots.js';
import { BoundCredentials } from '../secrets/bound-credentials.js';

/**
 * What the registry hands to every conversation that it opens. Parts of a conversation name what they use of
 * it.
 */
@Injectable()
export class ConversationServices {
  constructor(
    readonly config: AppConfig,
    readonly bus: EventBus,
    readonly catalogue: Catalogue,
    readonly folders: ConversationFolders,
    readonly leases: LeaseStore,
    readonly secretCodec: SecretCodec,
    readonly credentials: BoundCredentials,
    readonly slots: RunSlots,
    readonly queue: RunQueue,
    readonly loop: AgentLoop,
    readonly llm: Llm,
    readonly models: ModelProfiles,
    readonly toolRegistry: ToolRegistry,
    readonly agentTerminals: AgentTerminals,
    readonly context: ContextLoader,
    readonly children: ChildStarter,
    readonly workspaces: WorkspaceHost,
    readonly limiter: KeyLimiter,
    readonly sandbox: Sandbox,
  ) {}
}
