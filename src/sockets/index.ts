export { SocketConnections } from './connections/socket-connections.js';
export { SocketGate } from './handshake/socket-gate.js';
export { PatternWsAdapter } from './handshake/pattern-ws-adapter.js';
export { SocketsModule } from './sockets.module.js';
