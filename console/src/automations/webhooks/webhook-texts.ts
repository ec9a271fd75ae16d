import type { Schemas } from '../../api/client.js';

/** How deliveries are signed. */
export type Scheme = Schemas['AutomationWebhook']['signature_scheme'];

/** The schemes for people. */
export const SCHEME_TEXTS: Readonly<Record<Scheme, string>> = {
  github: 'signed by GitHub',
  gitlab: 'signed by GitLab',
  slack_v0: 'signed by Slack',
  standard_webhooks: 'Standard Webhooks',
  hmac_sha256_hex: 'HMAC-SHA256 of the body',
};
