export * from './agent-type.js';
export { readProjectDefinitions, readUserDefinitions } from './definition-files.js';
export { mapToolNames } from './claude-code-tools.js';
export { INHERITED_MODEL, subAgentSpec } from './sub-agent-spec.js';
