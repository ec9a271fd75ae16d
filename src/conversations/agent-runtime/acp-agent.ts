import { AcpAgent, type AcpHost } from '../../acp/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { SecretVault } from '../secrets/secret-vault.js';
import type { Toolset } from './toolset.js';

/** The agent from elsewhere that works in a conversation, if it is one that has such an agent. */
export function createAcpAgent(
  state: ConversationState,
  services: Pick<ConversationServices, 'catalogue' | 'credentials'>,
  { workingDir }: Toolset,
  vault: SecretVault,
): AcpAgent | undefined {
  if (state.agent.kind !== 'ACPAgent') return undefined;
  const { agent } = state;
  const host: AcpHost = {
    conversationId: state.id,
    get agent() {
      return state.agent.kind === 'ACPAgent' ? state.agent : agent;
    },
    workingDir,
    folder: services.catalogue.folder(state.id),
    secrets: (signal) => vault.all(signal),
    fleetingSecrets: () => Object.keys(services.credentials.secretsOf(state.id)),
    mask: (text) => vault.mask(text),
  };
  return new AcpAgent(host);
}
