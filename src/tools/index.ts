export * from './arguments/index.js';
export { hasChromium } from './browser/chromium.js';
export * from './tool-errors.js';
export * from './tool-registry.js';
export * from './tool-schema.js';
export * from './tool.js';
export * from './tools.module.js';
