export * from './event-log.js';
export * from './lease-store.js';
export * from './catalogue.js';
export * from './storage-errors.js';
export * from './storage-options.js';
export * from './conversation-folders.js';
export * from './server-directory.js';
export * from './hints.js';
