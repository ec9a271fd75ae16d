export { type AdmittedSocket, AppBackendBridge, tunnelSocket } from './canvas/bridge/index.js';
