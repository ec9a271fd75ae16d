export { readNewKey } from './api/key-request.js';
export { isExpired, type KeyRecord } from './store/key-record.js';
export { KeyStore } from './store/key-store.js';
