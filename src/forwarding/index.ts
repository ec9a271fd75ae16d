export { PassReader, PassWriter } from './hop/hop-pass.js';
export { hopOf, HopReceiver } from './hop/hop-receiver.js';
export { endToEndHeaders, type ForwardedHeaders, framingOf } from './relay/end-to-end-headers.js';
export { passAnswer } from './relay/pass-answer.js';
export { RequestBody } from './relay/request-body.js';
export { joinSockets, passRefusal, type UpgradeRequest, watchClient } from './relay/tunnel.js';
export {
  askUpgrade,
  askUpstream,
  type OutgoingRequest,
  type UpgradedConnection,
  type Upstream,
  UpstreamError,
} from './relay/upstream.js';
export { withoutKeys } from './relay/without-keys.js';
export { answersFromStorage, ForwardingGuard } from './servers/forwarding.guard.js';
export { ForwardingError, moving } from './servers/forwarding-errors.js';
export { Locator, type Location, type ServerAddress } from './servers/locator.js';
export { OtherServers } from './servers/other-servers.js';
export { ServerAddresses } from './servers/server-addresses.js';
export { ServerForwarder } from './servers/server-forwarder.js';
