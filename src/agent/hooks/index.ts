export * from './hook-config.js';
export * from './hooks.js';
