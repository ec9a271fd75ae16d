export { CLOSE, closeSocket } from './connections/close-code.js';
export { KeyedConnection } from './connections/socket-connection.js';
export { SocketConnections } from './connections/socket-connections.js';
export { MAX_INBOUND_FRAGMENTS, MAX_INBOUND_FRAME_BYTES } from './connections/socket-limits.js';
export { readClientFrame } from './frames/client-frame.js';
export type { KeyAdmission } from './handshake/key-admission.js';
export { SocketGate } from './handshake/socket-gate.js';
export { PatternWsAdapter } from './handshake/pattern-ws-adapter.js';
export { SocketsModule } from './sockets.module.js';
