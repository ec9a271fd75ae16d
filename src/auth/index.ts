export { AuthModule, FailedKeysModule } from './auth.module.js';
export { FailedKeys } from './keys/failed-keys.js';
export { guardIngress } from './origins/ingress-guard.js';
export { KeySet, SessionKeys } from './keys/key-set.js';
export { isBoundToLoopback, isLoopback, isLoopbackOnly, needsKey } from './origins/loopback-only.js';
export { mayReceiveKey, protectOpenServer } from './origins/open-server.js';
export { isSameHost, OriginPolicy } from './origins/origin-policy.js';
export { checkKeys, OpenRoute, presentedKeys } from './keys/session-key.guard.js';
export { AcceptsWorkspaceCookie, expiredWorkspaceCookie, workspaceCookie } from './keys/workspace-cookie.js';
