export { AuthModule } from './auth.module.js';
export { isLoopbackOnly, serveLoopbackOnly } from './loopback-only.js';
export { OpenRoute } from './open-route.js';
export { SessionKeys } from './session-keys.js';
