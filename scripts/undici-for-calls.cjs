// What calls to models need of undici, for the bundle: the package as a whole brings a fetch of its own,
// WebSocket, caches and mocks. The files are those of the release that is pinned.
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js');

Dispatcher.prototype.request = require('undici/lib/api/api-request.js');
// The agent for proxies opens its tunnels with it.
Dispatcher.prototype.connect = require('undici/lib/api/api-connect.js');
exports.Agent = require('undici/lib/dispatcher/agent.js');
exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent.js');
