import type { AgentView } from '../../agent/agent-view.js';
import { latestImages } from '../../agent/messages/image-references.js';
import { plainText } from '../../events/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { SecretVault } from '../secrets/secret-vault.js';
import { ConversationModels, type ModelsHost } from '../steering/conversation-models.js';
import { ConversationSubAgents, type SubAgentsHost } from '../sub-agents/conversation-sub-agents.js';
import type { ToolAbilities, Toolset } from './toolset.js';

/** What the tools of a conversation may ask of it. */
export function toolAbilities(
  host: SubAgentsHost & Omit<ModelsHost, 'save' | 'transcript'> & { view(): AgentView },
  journal: Pick<ModelsHost, 'save'>,
  services: ConversationServices,
  toolset: Toolset,
  vault: SecretVault,
): ToolAbilities {
  const modelsHost: ModelsHost = {
    state: host.state,
    save: () => journal.save(),
    commit: (drafts) => host.commit(drafts),
    countUsage: (...usage) => host.countUsage(...usage),
    transcript: () => transcriptOf(host.view()),
  };
  const models = new ConversationModels(modelsHost, services);
  const subAgents = new ConversationSubAgents(host, services, toolset, vault);
  return {
    subAgents,
    models,
    startChild: (request) => services.children.startChild(host.state.id, request),
    latestImages: () => latestImages(host.view()),
    prepare: async () => {
      await Promise.all([models.prepare(), subAgents.prepare()]);
    },
  };
}

/** What user and agent said to each other, as far as the model still sees it. */
function transcriptOf(view: AgentView): string {
  return view.events
    .flatMap((event) => (event.kind === 'MessageEvent' ? [event.llm_message] : []))
    .map(({ role, content }) => `${role}: ${plainText(content)}`)
    .join('\n');
}
