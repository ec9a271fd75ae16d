export { sendFile } from './files/send-file.js';
export { PathGuard, type GuardedPath } from './paths/path-guard.js';
export { RuntimeScopes } from './paths/runtime-scopes.js';
export { RuntimeScopesModule } from './paths/runtime-scopes.module.js';
export { SearchService } from './search/search.service.js';
export { WatchService } from './watch/watch.service.js';
export { WorkspaceModule } from './workspace.module.js';
