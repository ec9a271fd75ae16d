import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { documentSchemas } from '../http/index.js';
import { ServerModule } from '../server/server.module.js';
import { SettingsModule } from '../settings/index.js';
import { StorageModule } from '../storage/storage.module.js';
import { ArchiveController } from './archive/archive.controller.js';
import { ArchiveService } from './archive/archive.service.js';
import { FileDiscoveryController } from './files/file-discovery.controller.js';
import { FilesController } from './files/files.controller.js';
import { FilesService } from './files/files.service.js';
import { GitController } from './git/git.controller.js';
import { GitService } from './git/git.service.js';
import { RepositoriesController } from './git/repositories.controller.js';
import { RepositorySearch } from './git/repository-search.js';
import { RuntimeController } from './runtime.controller.js';
import { RuntimeScopesModule } from './paths/runtime-scopes.module.js';
import { SearchController } from './search/search.controller.js';
import { SearchService } from './search/search.service.js';
import { TreeController } from './tree/tree.controller.js';
import { TreeService } from './tree/tree.service.js';
import { WatchService } from './watch/watch.service.js';
import { ConversationVscodeController } from './vscode/conversation-vscode.controller.js';
import { Editor } from './vscode/editor.js';
import { VscodeController } from './vscode/vscode.controller.js';
import { WorkspaceFilesController } from './preview/workspace-files.controller.js';
import { WorkspaceSessionController } from './preview/workspace-session.controller.js';

documentSchemas(async () => (await import('./docs-schemas.js')).workspaceSchemas());

/** Routes for files, repositories and the working folders of conversations. */
@Module({
  imports: [ConversationsModule, RuntimeScopesModule, ServerModule, SettingsModule, StorageModule],
  controllers: [
    WorkspaceSessionController,
    WorkspaceFilesController,
    FilesController,
    FileDiscoveryController,
    ArchiveController,
    RepositoriesController,
    GitController,
    SearchController,
    TreeController,
    RuntimeController,
    VscodeController,
    ConversationVscodeController,
  ],
  providers: [
    FilesService,
    ArchiveService,
    GitService,
    RepositorySearch,
    SearchService,
    TreeService,
    WatchService,
    Editor,
  ],
  exports: [SearchService, WatchService],
})
export class WorkspaceModule {}
