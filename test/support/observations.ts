import type { ConversationClient } from './conversation-client.js';

type Observation = Record<string, unknown>;

/** The observations of a conversation, in order. */
export async function observationsOf(conversation: ConversationClient): Promise<Observation[]> {
  const events = await conversation.events('&kind=ObservationEvent');
  return events.map((event) => event['observation'] as Observation);
}

/** The text of an observation. */
export function observationText(observation?: Observation): string {
  return (observation?.['content'] as { text: string }[] | undefined)?.map(({ text }) => text).join('') ?? '';
}

/** What the terminal puts before the output of a command. */
export function outputPrefix(observation?: Observation): unknown {
  return (observation?.['metadata'] as { prefix: string } | undefined)?.prefix;
}
