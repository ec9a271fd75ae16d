import { AcpAgent, type AcpHost } from '../../acp/index.js';
import { Hooks } from '../../agent/index.js';
import { ConversationContext } from '../context/conversation-context.js';
import { ConversationCheckpoints } from '../checkpoints/conversation-checkpoints.js';
import type { Background } from '../conversation/background.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { UserMessages } from '../conversation/user-messages.js';
import type { Journal } from '../journal/journal.js';
import { SecretMasker } from '../secrets/secret-masker.js';
import { SecretVault } from '../secrets/secret-vault.js';
import type { ConversationState } from '../state/conversation-state.js';
import { UsageMeter } from '../state/usage-meter.js';
import { ConversationModels } from '../steering/conversation-models.js';
import { ConversationSubAgents } from '../sub-agents/conversation-sub-agents.js';
import { TitleWriter } from '../titles/title-writer.js';
import { AgentRuntime } from './agent-runtime.js';
import { logCompletions } from './completion-log.js';
import { countFailures } from './count-failures.js';
import { HookContext } from './hook-context.js';
import { Session } from './session.js';
import { Toolset } from './toolset.js';

/** Makes the agent runtime of an open conversation. Nothing is started before the first message or run. */
export function createAgentRuntime(
  journal: Journal,
  background: Background,
  services: ConversationServices,
): AgentRuntime {
  const { state } = journal;
  const { bus, credentials, llm, loop, secretCodec, toolRegistry } = services;
  const vault = new SecretVault(state, () => credentials.secretsOf(state.id));
  const masker = new SecretMasker(state, vault, secretCodec);
  const usage = new UsageMeter(state, services.limiter);
  journal.setAppendListener((event) => usage.onAppended(event));
  const models = new ConversationModels(journal, usage, services);
  const toolset = new Toolset(journal, vault, models, services);
  const checkpoints = services.config.checkpoints.enabled
    ? new ConversationCheckpoints(journal, masker, toolset, services)
    : undefined;
  // Set afterwards, because each needs the other: a tool starts sub-agents, and sub-agents share tools.
  toolset.subAgents = new ConversationSubAgents(
    journal,
    masker,
    usage,
    vault,
    toolset,
    services,
    checkpoints?.recorder,
  );
  const context = new ConversationContext(journal, toolset.workingDir, services);
  const hooks = new Hooks(new HookContext(state, masker, usage, toolset, toolRegistry), llm);
  const session = new Session(journal, masker, vault, toolset, hooks, context);
  const titles = new TitleWriter(journal, masker, usage, services, background);
  const messages = new UserMessages(journal, masker, session, hooks, titles, context);
  const acpAgent = createAcpAgent(state, toolset, vault, services);
  return new AgentRuntime(
    journal,
    masker,
    usage,
    toolset,
    checkpoints,
    context,
    hooks,
    session,
    messages,
    acpAgent ?? loop,
    acpAgent,
    bus,
    [logCompletions(journal, masker, secretCodec, llm), countFailures(journal, masker, usage, llm)],
  );
}

function createAcpAgent(
  state: ConversationState,
  { confinement, workingDir }: Toolset,
  vault: SecretVault,
  { folders, credentials }: Pick<ConversationServices, 'folders' | 'credentials'>,
): AcpAgent | undefined {
  if (state.agent.kind !== 'ACPAgent') return undefined;
  const { agent } = state;
  const host: AcpHost = {
    conversationId: state.id,
    get agent() {
      return state.agent.kind === 'ACPAgent' ? state.agent : agent;
    },
    workingDir,
    folder: folders.folder(state.id),
    confinement,
    secrets: (signal) => vault.all(signal),
    fleetingSecrets: () => Object.keys(credentials.secretsOf(state.id)),
    mask: (text) => vault.mask(text),
  };
  return new AcpAgent(host);
}
