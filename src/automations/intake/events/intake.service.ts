import { Injectable, Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { yieldForChunk } from '../../../flow/index.js';
import type { JsonObject } from '../../../json/index.js';
import { meters } from '../../../meters/index.js';
import type { Webhook } from '../webhooks/webhook.js';
import type { EventIdentity } from './event-key.js';
import { continuationOf, listensTo, passesFilter } from './event-match.js';
import { EventRuns, type ListeningAutomation } from './event-runs.js';

/** Time for the filters of all automations of one event (ms). Those that are left then do not match. */
const MAX_MATCHING_MS = 500;

/** What has become of an event. */
export interface Acceptance {
  matched: number;
  runs_created: string[];
  conversations_continued: string[];
}

/** Finds the automations that an event is for, and has each start a run. */
@Injectable()
export class IntakeService {
  private readonly logger = new Logger('Automations');

  constructor(private readonly runs: EventRuns) {}

  /**
   * Takes an event whose signature is valid.
   * @throws StorageFailedError if a run could not be claimed: the sender tries again, and those that were
   * claimed   stay one each
   */
  async accept(webhook: Webhook, identity: EventIdentity, payload: JsonObject): Promise<Acceptance> {
    meters.automationEvents.accepted.add();
    const { source } = webhook;
    const { key, deliveryId } = identity;
    const result: Acceptance = { matched: 0, runs_created: [], conversations_continued: [] };
    if (key === undefined) {
      this.logger.debug(`an event of ${source} has no key`);
      return result;
    }
    for (const automation of await this.matching({ source, key, payload })) {
      result.matched += 1;
      const { subject, text } = continuationOf(automation.trigger, payload);
      const event = { source, key, payload, deliveryId, subject, text };
      const outcome = await this.runs.start(automation.id, event);
      if (!outcome) meters.automationEvents.repeated.add();
      else if (outcome.continued !== undefined) result.conversations_continued.push(outcome.continued);
      else result.runs_created.push(outcome.runId);
    }
    this.logger.log(`event ${key} of ${source}: ${result.matched} automations match`);
    return result;
  }

  private async matching(event: {
    source: string;
    key: string;
    payload: JsonObject;
  }): Promise<ListeningAutomation[]> {
    const listening = (await this.runs.listeningTo(event.source)).filter(({ trigger }) =>
      listensTo(trigger, event),
    );
    const matched: ListeningAutomation[] = [];
    let spent = 0;
    for (const automation of listening) {
      if (spent > MAX_MATCHING_MS) {
        this.logger.warn(
          `filters of ${event.source} took ${Math.round(spent)} ms: ${automation.name} was left out`,
        );
        continue;
      }
      // Requests of others go between two filters.
      await yieldForChunk();
      const started = performance.now();
      if (this.passes(automation, event.payload)) matched.push(automation);
      spent += performance.now() - started;
    }
    return matched;
  }

  private passes({ name, trigger }: ListeningAutomation, payload: JsonObject): boolean {
    try {
      return passesFilter(trigger, payload);
    } catch (error) {
      this.logger.warn(`the filter of ${name} failed, so the event does not match: ${errorMessage(error)}`);
      return false;
    }
  }
}
