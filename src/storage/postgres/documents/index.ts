export { PostgresDocuments } from './postgres-documents.js';
export { PostgresRecords } from './postgres-records.js';
