import { readClientInterface, type ClientInterface } from '../support/typescript-client-interface.js';

const CLOUD = 'talks to OpenHands Cloud, which is another server';
const LOCAL = 'works in the client process without a server';

/** Parts of the client that no spec calls, and why: a method, a function or all methods of a class. */
const NOT_CALLED: Readonly<Record<string, string>> = {
  CloudClient: CLOUD,
  startDeviceFlow: CLOUD,
  pollForToken: CLOUD,
  isOpenHandsCloudHost: CLOUD,
  LocalConversation: LOCAL,
  LocalWorkspace: LOCAL,
  OpenRouterLLM: LOCAL,
  createLLM: LOCAL,
  createOpenRouterLLM: LOCAL,
  generateSystemPrompt: LOCAL,
  SecretRegistry: LOCAL,
  StaticSecretSource: LOCAL,
  CallableSecretSource: LOCAL,
  NeverConfirm: LOCAL,
  AlwaysConfirm: LOCAL,
  RiskBasedConfirm: LOCAL,
  ToolBasedConfirm: LOCAL,
  CompositeConfirm: LOCAL,
  createConfirmationPolicy: LOCAL,
  PatternBasedAnalyzer: LOCAL,
  AllowlistAnalyzer: LOCAL,
  NoOpAnalyzer: LOCAL,
  CompositeAnalyzer: LOCAL,
  createSecurityAnalyzer: LOCAL,
  generateEventId: LOCAL,
  createBaseEvent: LOCAL,
  createEmptyHookConfig: LOCAL,
  createSuccessResult: LOCAL,
  hookResultShouldContinue: LOCAL,
  mergeHookConfigs: LOCAL,
  normalizeHooksInput: LOCAL,
  matcherMatches: LOCAL,
  getAcpProvider: LOCAL,
  deriveSwitchPlan: LOCAL,
  'RemoteState.getAgentStatus': 'the former name of getExecutionStatus',
  'RemoteState.setAgentStatus': 'always throws',
  'OpenHandsClient.close': 'does nothing: its subclasses override it',
};

describe('the public interface of the TypeScript client', () => {
  let all: ClientInterface;
  beforeAll(async () => {
    all = await readClientInterface();
  });

  const isListed = (name: string) => name in NOT_CALLED || (name.split('.')[0] ?? '') in NOT_CALLED;

  it('is called by its specs or listed with a reason', () => {
    const missing = [...all.offered].filter((name) => !all.called.has(name) && !isListed(name));
    expect(missing).toEqual([]);
  });

  it('contains each listed entry, and no listed entry is called', () => {
    const isThere = (entry: string) =>
      [...all.offered].some((name) => name === entry || name.startsWith(`${entry}.`));
    expect(Object.keys(NOT_CALLED).filter((entry) => !isThere(entry))).toEqual([]);
    expect([...all.called].filter((name) => all.offered.has(name) && isListed(name))).toEqual([]);
  });

  it('is read completely', () => {
    const classes = new Set([...all.offered].map((name) => name.split('.')[0]));
    for (const name of ['RemoteConversation', 'RemoteEventsList', 'MCPClient', 'ACPConversationNamespace']) {
      expect(classes).toContain(name);
    }
    expect(all.offered.size).toBeGreaterThan(350);
  });
});
