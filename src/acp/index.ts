export { AcpAgent } from './acp-agent.js';
export type { AcpHost } from './acp-connector.js';
export { AcpUnsupportedError } from './acp-error.js';
export { conversationsWithAgents } from './connection/process-mark.js';
export { agentStateUpdate, shownModels, withModels } from './acp-agent-state.js';
export { discoverModels, type ModelDiscovery } from './model-discovery.js';
export { ACP_SERVERS, commandOf, FILE_SECRETS } from './presets.js';
