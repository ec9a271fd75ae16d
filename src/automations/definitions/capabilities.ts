import type { AppConfig } from '../../config/index.js';
import type { EventCapabilities } from '../intake/event-sources.js';

/** What clients may offer. The names are those of the original, which clients compare. */
export interface Capabilities {
  /** False where no automation can be started. */
  ready: boolean;
  maxAutomationTimeoutSeconds: number;
  triggerKinds: string[];
  eventSources: string[];
  eventTypes: string[];
  triggers: {
    cron: { minIntervalSeconds: number; timezones: string[] };
    event?: EventCapabilities['trigger'];
  };
  features: string[];
}

const MIN_INTERVAL_SECONDS = 60;
/** Without `customTarball` and `kvStore`, which need scripts. */
const FEATURES = [
  'conversationDispatch',
  'mcpTools',
  'presetPlugin',
  'presetPrompt',
  'repoClone',
  'agentProfiles',
];

/** What automations can do here. Events are offered only where some can arrive. */
export function capabilitiesAnswer(
  { conversation_runtime, automation_max_timeout_seconds }: AppConfig,
  { eventSources, eventTypes, trigger: event }: EventCapabilities,
): Capabilities {
  // Node names hundreds of zones, but not this one, which is the default of clients.
  const timezones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
  return {
    ready: conversation_runtime !== 'docker',
    maxAutomationTimeoutSeconds: automation_max_timeout_seconds,
    triggerKinds: event ? ['cron', 'event'] : ['cron'],
    eventSources,
    eventTypes,
    triggers: { cron: { minIntervalSeconds: MIN_INTERVAL_SECONDS, timezones }, ...(event && { event }) },
    features: event ? [...FEATURES, 'webhookDelivery'] : FEATURES,
  };
}
