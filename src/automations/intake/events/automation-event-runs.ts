import { Injectable } from '@nestjs/common';
import { AutomationStore } from '../../../storage/index.js';
import { toAutomation } from '../../definitions/stored-automation.js';
import { conversationIdOf, runIdFor } from '../../runs/automation-run.js';
import { eventText } from '../../runs/run-prompt.js';
import { RunRequests } from '../../runs/run-requests.js';
import { EventRuns, type EventOutcome, type ListeningAutomation, type MatchedEvent } from './event-runs.js';

/** Runs of the automations of this server. */
@Injectable()
export class AutomationEventRuns extends EventRuns {
  constructor(
    private readonly store: AutomationStore,
    private readonly requests: RunRequests,
  ) {
    super();
  }

  async listeningTo(source: string): Promise<ListeningAutomation[]> {
    return (await this.store.list()).map(toAutomation).flatMap(({ id, name, enabled, trigger }) => {
      const listens = enabled && trigger.type === 'event' && trigger.source === source;
      return listens ? [{ id, name, trigger }] : [];
    });
  }

  async start(automationId: string, event: MatchedEvent): Promise<EventOutcome | undefined> {
    const { source, payload, deliveryId, subject, text } = event;
    const occurrence = deliveryId === undefined ? undefined : `${source} ${deliveryId}`;
    const requested = await this.requests.request(automationId, {
      trigger_source: 'event',
      source,
      payload,
      subject_key: subject ?? null,
      turns: subject === undefined ? [] : [text ?? eventText(payload, source)],
      ...(occurrence !== undefined && { occurrence }),
    });
    if (!requested) return undefined;
    const { run, created } = requested;
    if (created) return { runId: run.id, continued: undefined };
    const isKnown = occurrence !== undefined && run.id === runIdFor(automationId, `event ${occurrence}`);
    return isKnown ? undefined : { runId: run.id, continued: conversationIdOf(run) };
  }
}
