export { AcpAgent } from './acp-agent.js';
export type { AcpHost } from './acp-connector.js';
export { AcpUnsupportedError } from './acp-error.js';
export { conversationsWithAcpProcesses } from './connection/process-mark.js';
export { agentStateUpdate, modelInfo, withModels } from './acp-agent-state.js';
export { discoverModels, type ModelDiscovery } from './model-discovery.js';
export { ACP_SERVERS, presetCommand, FILE_SECRETS } from './presets.js';
