export * from './event-log.js';
export * from './lease-store.js';
export * from './catalogue.js';
export * from './storage-errors.js';
export * from './storage-options.js';
export * from './documents.js';
export * from './bash-history.js';
