export { AuthModule } from './auth.module.js';
export { KeySet } from './key-set.js';
export { isBoundToLoopback, isLoopback, isLoopbackOnly } from './loopback-only.js';
export { OpenRoute } from './open-route.js';
export { mayBeGivenKey, protectOpenServer } from './open-server.js';
export { isSameHost, OriginPolicy } from './origin-policy.js';
export { presentedKeys } from './session-key.guard.js';
export { SessionKeys } from './session-keys.js';
export { AcceptsWorkspaceCookie, expiredWorkspaceCookie, workspaceCookie } from './workspace-cookie.js';
