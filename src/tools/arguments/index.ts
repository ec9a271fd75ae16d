export * from './parse-arguments.js';
export * from './python-text.js';
export * from './repair-name.js';
export * from './resolve-tool-call.js';
export * from './validate-arguments.js';
