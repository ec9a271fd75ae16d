export { PostgresDocuments } from './postgres-documents.js';
export { PostgresRecords } from './postgres-records.js';
export { checkSecretKey } from './secret-key-check.js';
