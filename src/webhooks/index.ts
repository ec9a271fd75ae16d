export { webhookTargets } from './webhook-target.js';
export { WebhooksService } from './webhooks.service.js';
export type { WebhookStatus } from './webhook-status.js';
