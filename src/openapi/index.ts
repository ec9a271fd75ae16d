export { setupOpenApi } from './setup-open-api.js';
