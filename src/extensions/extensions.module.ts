import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { persistenceRoot } from '../files/index.js';
import { documentSchemas } from '../http/index.js';
import { DocumentsModule } from '../storage/documents.module.js';
import { ToolsModule } from '../tools/tools.module.js';
import { AppBackendBridge } from './canvas/bridge/index.js';
import { AppBackendSessionsController } from './canvas/bridge/app-backend-sessions.controller.js';
import { CanvasBackends } from './canvas/backends/canvas-backends.js';
import { CanvasBackendsController } from './canvas/canvas-backends.controller.js';
import { CanvasFilesController } from './canvas/canvas-files.controller.js';
import { CanvasExtensionsController } from './canvas/canvas-extensions.controller.js';
import { HooksController } from './hooks/hooks.controller.js';
import { Staging } from './installation/staging.js';
import { Installations } from './installation/installations.js';
import { MarketplaceCatalogue } from './marketplaces/marketplace-catalogue.js';
import { PublicRepository } from './marketplaces/public-repository.js';
import { PluginCatalogue } from './plugins/plugin-catalogue.js';
import { PluginFetcher } from './plugins/plugin-fetcher.js';
import { PluginsController } from './plugins/plugins.controller.js';
import { InstalledPluginsController } from './plugins/installed-plugins.controller.js';
import { InstalledSkillsController } from './skills/installed-skills.controller.js';
import { SkillCatalogue } from './skills/skill-catalogue.js';
import { SkillsController } from './skills/skills.controller.js';
import { SubAgentCatalogue } from './sub-agents/sub-agent-catalogue.js';
import { SubAgentsController } from './sub-agents/sub-agents.controller.js';

documentSchemas(async () => (await import('./docs-schemas.js')).extensionSchemas());

/** Extensions of agents and of the web UI: skills, plugins, sub-agents, hooks, canvas extensions. */
@Module({
  imports: [ConversationsModule, DocumentsModule, ToolsModule],
  controllers: [
    SkillsController,
    InstalledSkillsController,
    PluginsController,
    InstalledPluginsController,
    SubAgentsController,
    HooksController,
    CanvasExtensionsController,
    CanvasFilesController,
    CanvasBackendsController,
    AppBackendSessionsController,
  ],
  providers: [
    {
      provide: Staging,
      inject: [AppConfig],
      useFactory: ({ base_dir, github_url }: AppConfig) =>
        new Staging(persistenceRoot(base_dir), base_dir, github_url),
    },
    Installations,
    CanvasBackends,
    AppBackendBridge,
    PublicRepository,
    MarketplaceCatalogue,
    PluginCatalogue,
    PluginFetcher,
    SkillCatalogue,
    SubAgentCatalogue,
  ],
  exports: [AppBackendBridge],
})
export class ExtensionsModule {}
