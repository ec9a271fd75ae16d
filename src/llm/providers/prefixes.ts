// Providers by the prefix of model names: one line each, the exported name is the prefix. A provider loads
// its client library with its first call. Services with plain OpenAI chat completions are in
// openai-compatible.ts.
export { anthropic } from './anthropic.js';
export { azure } from './azure.js';
export { bedrock } from './bedrock.js';
export { gemini } from './gemini.js';
export { litellmProxy as litellm_proxy, openhands } from './litellm-proxy.js';
export { ollama, ollamaChat as ollama_chat } from './ollama.js';
export { openai } from './openai.js';
export { openrouter } from './openrouter.js';
export { scripted } from './scripted.js';
export { vertex as vertex_ai } from './vertex.js';
