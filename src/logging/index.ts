export { isDebug, invalidLogSettings, readLogSettings } from './log-settings.js';
export { loggableUrl } from './loggable-url.js';
export { type Problem, recentProblems } from './recent-problems.js';
export { currentRequest } from './request-context.js';
export { requestId, requestLog } from './request-log.js';
export { ServerLogger } from './server-logger.js';
