export type { Redaction } from './redaction.js';
export { SharedView } from './shared-view.js';
export { SharesModule } from './shares.module.js';
export { SharesService } from './shares.service.js';
export type { ShareClaims } from './share-token.js';
