import { Injectable } from '@nestjs/common';
import type { EventTrigger } from '../definitions/trigger.js';
import { FILTER_FUNCTIONS } from '../filters/index.js';
import { listensTo, passesFilter } from './events/event-match.js';
import type { SignatureScheme } from './signatures/signatures.js';
import { WebhookStore } from './webhooks/webhook-store.js';

/** What dialogs offer about events; nothing without a source. */
export interface EventCapabilities {
  eventSources: string[];
  eventTypes: string[];
  /** Undefined without a source. */
  trigger: { filterLanguage: 'jmespath'; filterFunctions: string[] } | undefined;
}

/** A problem of a trigger that does not keep it from being stored. */
export interface TriggerProblem {
  field: 'trigger.source' | 'trigger.on' | 'trigger.filter';
  code: string;
  message: string;
}

/** Kinds of events that dialogs offer. The others of a sender arrive as well. */
const KNOWN_TYPES: Readonly<Partial<Record<SignatureScheme, readonly string[]>>> = {
  github: [
    ...['push', 'pull_request.opened', 'pull_request.synchronize', 'pull_request.closed'],
    ...['pull_request.labeled', 'pull_request.review_requested', 'pull_request_review.submitted'],
    ...['pull_request_review_comment.created', 'issues.opened', 'issues.labeled', 'issue_comment.created'],
    ...['release.published', 'workflow_run.completed'],
  ],
  gitlab: ['push', 'tag_push', 'merge_request.open', 'merge_request.merge', 'issue.open', 'note', 'pipeline'],
};

/** Where events may come from, for what is shown and checked before an automation is created. */
@Injectable()
export class EventSources {
  constructor(private readonly webhooks: WebhookStore) {}

  /** @throws DamagedDocumentError, StorageFailedError */
  async capabilities(): Promise<EventCapabilities> {
    const enabled = (await this.webhooks.all()).filter((webhook) => webhook.enabled);
    const types = enabled.flatMap(({ signature_scheme: scheme }) => KNOWN_TYPES[scheme] ?? ['*']);
    const filterFunctions = ['contains', ...FILTER_FUNCTIONS].sort();
    return {
      eventSources: enabled.map(({ source }) => source).sort(),
      eventTypes: [...new Set(types)],
      trigger: enabled.length === 0 ? undefined : { filterLanguage: 'jmespath', filterFunctions },
    };
  }

  /**
   * What is wrong with a trigger although it can be stored. @throws DamagedDocumentError, StorageFailedError
   */
  async problemsOf({ source }: EventTrigger): Promise<TriggerProblem[]> {
    const webhook = (await this.webhooks.all()).find((one) => one.source === source);
    if (webhook?.enabled === true) return [];
    const message = webhook
      ? `The webhook of the source '${source}' is switched off.`
      : `There is no webhook with the source '${source}': no event of it can arrive.`;
    return [{ field: 'trigger.source', code: 'event_source_not_configured', message }];
  }

  /**
   * Whether a payload would start the automation.
   * @param key of the event, if it is known; otherwise the patterns do not count
   * @throws an error of the filter for a payload of another form, whose message is for people
   */
  matches(trigger: EventTrigger, payload: unknown, key?: string): boolean {
    const { source } = trigger;
    return (
      (key === undefined || listensTo(trigger, { source, key, payload })) && passesFilter(trigger, payload)
    );
  }
}
