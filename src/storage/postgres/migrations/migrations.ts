import { log } from './001-log.js';
import { documents } from './002-documents.js';
import { webhooks } from './003-webhooks.js';
import { bash } from './004-bash.js';
import { audit } from './005-audit.js';
import { serverProof } from './006-server-proof.js';
import { owners } from './007-owners.js';
import { usage } from './008-usage.js';
import { ownerStatus } from './009-owner-status.js';
import { automations } from './010-automations.js';
import type { Migration } from './migration.js';

/** All migrations that this server knows, in order. */
export const MIGRATIONS: readonly Migration[] = [
  log,
  documents,
  webhooks,
  bash,
  audit,
  serverProof,
  owners,
  usage,
  ownerStatus,
  automations,
];
