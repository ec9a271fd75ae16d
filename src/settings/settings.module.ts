import { Module } from '@nestjs/common';
import { CryptoModule } from '../crypto/index.js';
import { LlmModule } from '../llm/index.js';
import { AgentProfilesController } from './agent-profiles/agent-profiles.controller.js';
import { AgentProfiles } from './agent-profiles/agent-profiles.js';
import { AgentProfilesService } from './agent-profiles/agent-profiles.service.js';
import { LlmProfilesController } from './llm-profiles/llm-profiles.controller.js';
import { LlmProfiles } from './llm-profiles/llm-profiles.js';
import { LlmProfilesService } from './llm-profiles/llm-profiles.service.js';
import { MetaProfilesController } from './meta-profiles/meta-profiles.controller.js';
import { MetaProfiles } from './meta-profiles/meta-profiles.js';
import { ProfileChecker } from './llm-profiles/profile-check.js';
import { ProviderConnectionsController } from './provider-connections/provider-connections.controller.js';
import { ProviderConnections } from './provider-connections/provider-connections.js';
import { SettingsController } from './user-settings/settings.controller.js';
import './settings-schemas.js';
import { SettingsService } from './user-settings/settings.service.js';
import { SettingsStore } from './user-settings/settings-store.js';
import { DocumentsModule } from '../storage/documents.module.js';
import { SubscriptionController } from './subscription/subscription.controller.js';
import { SubscriptionService } from './subscription/subscription.service.js';
import { UserSecretsController } from './secrets/user-secrets.controller.js';
import { UserSecrets } from './secrets/user-secrets.js';
import { WorkspacesController } from './workspaces/workspaces.controller.js';
import { Workspaces } from './workspaces/workspaces.js';

/** Settings, profiles and secrets that are stored for all conversations of a user. */
@Module({
  imports: [CryptoModule, DocumentsModule, LlmModule],
  // Secrets come first, so that no other route matches `secrets`.
  controllers: [
    UserSecretsController,
    SettingsController,
    LlmProfilesController,
    AgentProfilesController,
    MetaProfilesController,
    ProviderConnectionsController,
    WorkspacesController,
    SubscriptionController,
  ],
  providers: [
    AgentProfiles,
    AgentProfilesService,
    LlmProfiles,
    LlmProfilesService,
    MetaProfiles,
    ProfileChecker,
    ProviderConnections,
    SettingsService,
    SubscriptionService,
    SettingsStore,
    UserSecrets,
    Workspaces,
  ],
  exports: [LlmProfiles, AgentProfiles, AgentProfilesService, SettingsStore, MetaProfiles, UserSecrets],
})
export class SettingsModule {}
