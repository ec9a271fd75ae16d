export { dtoSchema, fieldSchema } from './dto-schema.js';
export { setupOpenApi } from './setup-open-api.js';
