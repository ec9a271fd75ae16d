export { AuditModule } from './audit.module.js';
export { AuditTrail, type AuditedAct } from './audit-trail.js';
