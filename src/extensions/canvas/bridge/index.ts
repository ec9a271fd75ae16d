export { AppBackendBridge, type Admitted } from './app-backend-bridge.js';
export { tunnelSocket } from './socket-tunnel.js';
