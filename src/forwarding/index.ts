export { endToEndHeaders, type ForwardedHeaders, framingOf } from './relay/end-to-end-headers.js';
export { passAnswer } from './relay/pass-answer.js';
export { RequestBody } from './relay/request-body.js';
export { joinSockets, passRefusal, type UpgradeRequest, watchClient } from './relay/tunnel.js';
export { askUpgrade, askUpstream, type OutgoingRequest, type Upstream } from './relay/upstream.js';
