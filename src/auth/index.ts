export { AuthModule, FailedKeysModule } from './auth.module.js';
export { Authenticator, type Identified, setVouchedKey } from './keys/authenticator.js';
export { FailedKeys } from './keys/failed-keys.js';
export { clientAddress, networkOf } from './origins/client-address.js';
export { guardIngress } from './origins/ingress-guard.js';
export { KeySet, SessionKeys } from './keys/key-set.js';
export { NamedKeys } from './keys/named-keys.js';
export { isBoundToLoopback, isLoopback, isLoopbackOnly, needsKey } from './origins/loopback-only.js';
export { mayReceiveKey, protectOpenServer } from './origins/open-server.js';
export { isSameHost, OriginPolicy } from './origins/origin-policy.js';
export { refuseUpgrade } from './origins/refuse-upgrade.js';
export { remoteAddress, setRemoteAddress } from './origins/remote-address.js';
export { hostOf, protocolOf } from './origins/request-host.js';
export { checkKeys, OpenRoute } from './keys/session-key.guard.js';
export { AcceptsWorkspaceCookie, expiredWorkspaceCookie, workspaceCookie } from './keys/workspace-cookie.js';
export {
  type KeyReach,
  type KeyScope,
  type Principal,
  REACHES,
  SCOPES,
  SESSION,
} from './principals/principal.js';
export {
  acceptedKeyOf,
  CurrentPrincipal,
  principalOf,
  setPrincipal,
} from './principals/request-principal.js';
export {
  CONVERSATION_PARAMETERS,
  refusalOf,
  type Requirement,
  requirementOf,
  requirementOfGateway,
  Scope,
  STRICTEST,
} from './principals/scope.js';
