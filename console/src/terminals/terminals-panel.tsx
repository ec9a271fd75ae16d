import type { InsightProps } from '../conversation/insight/index.js';
import { Terminals } from './terminals.js';

/** The terminals of a conversation: that of its agent, and those of people. */
export function TerminalsPanel({ conversationId }: InsightProps) {
  return <Terminals conversationId={conversationId} />;
}
