// What calls to models need of undici, for the bundle: the package as a whole brings its fetch, WebSocket, caches and mocks, which
// are as much again (12 ms and 5 MiB of a server that calls its first model). Its files are as in the release that is pinned.
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js');

Dispatcher.prototype.request = require('undici/lib/api/api-request.js');
exports.Agent = require('undici/lib/dispatcher/agent.js');
exports.EnvHttpProxyAgent = require('undici/lib/dispatcher/env-http-proxy-agent.js');
