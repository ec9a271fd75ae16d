import type { JsonObject } from '../../../json/index.js';
import type { EventTrigger } from '../../definitions/trigger.js';

/** An automation that waits for events. */
export interface ListeningAutomation {
  id: string;
  name: string;
  trigger: EventTrigger;
}

/** An event that has matched an automation. */
export interface MatchedEvent {
  source: string;
  key: string;
  payload: JsonObject;
  /** The same in each redelivery, which starts nothing; undefined: every delivery counts. */
  deliveryId: string | undefined;
  /** Events of one subject go to one conversation; undefined: one of its own. */
  subject: string | undefined;
  /** The message to the conversation of the subject; undefined: the usual one. */
  text: string | undefined;
}

/** What an event has led to. */
export interface EventOutcome {
  /** The run that it has started. */
  runId: string;
  /** The conversation of the subject that goes on with it; undefined: a new one. */
  continued: string | undefined;
}

/** What the intake needs of automations: who waits for events, and runs for them. */
export abstract class EventRuns {
  /** The enabled automations that wait for events of a source. */
  abstract listeningTo(source: string): Promise<ListeningAutomation[]>;

  /** Claims a run, durably. @returns undefined if this delivery has one already */
  abstract start(automationId: string, event: MatchedEvent): Promise<EventOutcome | undefined>;
}
