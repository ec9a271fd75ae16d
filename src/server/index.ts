export { Activity, CountsAsActivity } from './activity.js';
export { type ContainersInfo, ConversationRuntime } from './conversation-runtime.js';
export { EventLoopDelay, type LoopDelay } from './event-loop-delay.js';
export { Readiness } from './readiness.js';
export { ServerController } from './server.controller.js';
export { ServerModule } from './server.module.js';
export { API_VERSION, PACKAGE_FOLDER, SERVER_VERSION } from './version.js';
