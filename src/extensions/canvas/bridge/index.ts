export { AppBackendBridge, type AdmittedSocket } from './app-backend-bridge.js';
export { tunnelSocket } from './socket-tunnel.js';
