import path from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { persistenceRoot } from '../files/index.js';
import {
  Documents,
  isUserDocument,
  isWorkspaceDocument,
  LocalDocuments,
  WorkspaceDocuments,
} from './documents.js';
import { FileDocuments } from './file/documents/file-documents.js';

/** Provides the ports of documents, implemented by the file driver. */
@Module({
  providers: [
    {
      provide: Documents,
      inject: [AppConfig],
      useFactory: ({ base_dir }: AppConfig) => new FileDocuments(persistenceRoot(base_dir), isUserDocument),
    },
    {
      provide: WorkspaceDocuments,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => new FileDocuments(workspacesRoot(config), isWorkspaceDocument),
    },
    {
      provide: LocalDocuments,
      useValue: { open: (folder: string) => new FileDocuments(folder) } satisfies LocalDocuments,
    },
  ],
  exports: [Documents, LocalDocuments, WorkspaceDocuments],
})
export class DocumentsModule {}

/** Workspaces are stored next to the conversations that use them. */
function workspacesRoot({ base_dir, conversations_path }: AppConfig): string {
  if (process.env['OH_PERSISTENCE_DIR']) return persistenceRoot(base_dir);
  return path.join(path.dirname(path.resolve(base_dir, conversations_path)), '.openhands');
}
