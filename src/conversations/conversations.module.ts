import { createHash } from 'node:crypto';
import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AgentLoop, ContextLoader, type Repositories, AgentQuestions } from '../agent/index.js';
import { AppConfig } from '../config/index.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { userFolders } from '../files/index.js';
import { fetchRepository, repositoryFiles, repositoryTop } from '../git/index.js';
import { LlmModule } from '../llm/index.js';
import { SettingsModule } from '../settings/index.js';
import { DocumentsModule } from '../storage/documents.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { parseUrl } from '../text/index.js';
import { ToolsModule } from '../tools/tools.module.js';
import { AcpController } from './api/acp.controller.js';
import { ToolPreload } from './agent-runtime/tool-preload.js';
import { AcpDiscovery } from './agent-runtime/acp-discovery.js';
import { BranchesController } from './api/branches.controller.js';
import { ChildStarter } from './branches/child-starter.js';
import { BranchesService } from './branches/branches.service.js';
import { CheckpointsController } from './api/checkpoints.controller.js';
import { CheckpointsService } from './checkpoints/checkpoints.service.js';
import { ConversationCreation } from './conversation/conversation-creation.js';
import { ConversationInfoCache } from './registry/conversation-info-cache.js';
import { ConversationRegistry } from './registry/conversation-registry.js';
import { ConversationServices } from './conversation/conversation-services.js';
import { ConversationSummaries } from './queries/conversation-summaries.js';
import { ConversationsController } from './api/conversations.controller.js';
import { ConversationsLifecycle } from './registry/conversations-lifecycle.js';
import { ConversationsService } from './conversations.service.js';
import { EventsController } from './api/events.controller.js';
import { GoalsController } from './api/goals.controller.js';
import { GoalsService } from './goal/goals.service.js';
import { ImportController } from './api/import.controller.js';
import { LaunchProfiles } from './profiles/launch-profiles.js';
import { ModelProfiles } from './profiles/model-profiles.js';
import { PortableRequests } from './api/portable-requests.js';
import { KeyWorkspaces } from './owners/key-workspaces.js';
import { OwnerGuard } from './owners/owner.guard.js';
import { Ownership } from './owners/ownership.js';
import { OwnModels } from './owners/own-models.js';
import { Tenancy } from './owners/tenancy.js';
import { ProfileDiagnosisController } from './api/profile-diagnosis.controller.js';
import { ProfileDiagnosis } from './profiles/profile-diagnosis.js';
import { ProfileReferences } from './profiles/profile-references.js';
import { RequestsFromSettings } from './profiles/requests-from-settings.js';
import { RunQueueController } from './api/run-queue.controller.js';
import { HiddenTexts } from './queries/hidden-texts.js';
import { RunQueue } from './runs/queue/run-queue.js';
import { RunSlots } from './runs/run-slots.js';
import { BoundCredentials } from './secrets/bound-credentials.js';
import { CredentialBindings } from './secrets/credential-bindings.js';
import { CredentialBindingsController } from './api/credential-bindings.controller.js';
import { SummariesController } from './api/summaries.controller.js';
import { SummaryFeed } from './queries/summary-feed.js';
import { SteeringController } from './api/steering.controller.js';
import { SteeringService } from './steering/steering.service.js';
import { ArchiveImportService } from './transfer/importing/archive-import.service.js';
import { TransferModule } from './transfer/transfer.module.js';
import { TimelineController } from './api/timeline.controller.js';
import { TimelineService } from './timeline/timeline.service.js';
import { UnusedConversations } from './registry/unused-conversations.js';
import { WorktreeRelease } from './worktrees/worktree-release.js';
import { Worktrees } from './worktrees/worktrees.js';

const REPOSITORIES: Repositories = {
  top: repositoryTop,
  files: repositoryFiles,
  fetch: fetchRepository,
};

/** Names the storage of the conversations: the same for all servers that know the same ones. */
function storageMark({ database_url: url, paths }: AppConfig): string {
  const database = url === null ? undefined : parseUrl(url);
  const place = url === null ? ['files'] : ['database', database?.host, database?.pathname];
  return createHash('sha256')
    .update([...place, paths.conversations].join(' '))
    .digest('hex');
}

/** Conversations: the use cases, their REST routes and the agents. */
@Module({
  imports: [
    EventBusModule,
    LlmModule,
    StorageModule,
    DocumentsModule,
    ToolsModule,
    SettingsModule,
    TransferModule,
  ],
  controllers: [
    // Before the routes with an id in the same place.
    SummariesController,
    ImportController,
    ConversationsController,
    BranchesController,
    GoalsController,
    EventsController,
    SteeringController,
    CredentialBindingsController,
    AcpController,
    ProfileDiagnosisController,
    TimelineController,
    RunQueueController,
    CheckpointsController,
  ],
  providers: [
    AgentLoop,
    AgentQuestions,
    ConversationServices,
    ConversationRegistry,
    Ownership,
    KeyWorkspaces,
    OwnModels,
    Tenancy,
    { provide: APP_GUARD, useClass: OwnerGuard },
    ConversationInfoCache,
    RunSlots,
    RunQueue,
    BoundCredentials,
    SteeringService,
    CredentialBindings,
    BranchesService,
    TimelineService,
    CheckpointsService,
    GoalsService,
    AcpDiscovery,
    ToolPreload,
    ModelProfiles,
    ChildStarter,
    LaunchProfiles,
    ProfileDiagnosis,
    ProfileReferences,
    RequestsFromSettings,
    ConversationCreation,
    ConversationsService,
    ConversationSummaries,
    HiddenTexts,
    SummaryFeed,
    ConversationsLifecycle,
    ArchiveImportService,
    PortableRequests,
    WorktreeRelease,
    UnusedConversations,
    {
      provide: Worktrees,
      inject: [AppConfig],
      useFactory: (config: AppConfig) =>
        new Worktrees(config.paths.worktrees, config.git_filters, storageMark(config)),
    },
    {
      provide: ContextLoader,
      inject: [AppConfig],
      useFactory: ({ base_dir }: AppConfig) =>
        new ContextLoader(REPOSITORIES, base_dir, userFolders(base_dir)),
    },
  ],
  exports: [
    ContextLoader,
    ConversationRegistry,
    ConversationSummaries,
    ConversationsService,
    KeyWorkspaces,
    LaunchProfiles,
    PortableRequests,
    Ownership,
    Tenancy,
    EventBusModule,
    HiddenTexts,
    RunQueue,
    RequestsFromSettings,
    RunSlots,
    SummaryFeed,
    UnusedConversations,
    TransferModule,
  ],
})
export class ConversationsModule {}
